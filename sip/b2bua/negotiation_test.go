package b2bua

import "testing"

func TestNegotiation_RFC3264_4(t *testing.T) {
	tests := []struct {
		name string
		in   negotiation
		turn turn
		want negotiation
		ok   bool
	}{
		{"an offer in a request waits for us", stable, theyOffer, theirs, true},
		{"our answer ends it (RFC 3264 6)", theirs, weAnswer, stable, true},
		{"so does a refusal: the session stays as it was (RFC 3261 14.1)", theirs, failed, stable, true},
		{"a second offer before the answer", theirs, theyOffer, theirs, false},
		{"no offer of ours before the answer", theirs, offerRequest, theirs, false},
		{"late offer: the 2xx offers (RFC 3261 13.2.1)", stable, offerIn2xx, inAck, true},
		{"and the ACK answers", inAck, ackCame, stable, true},
		{"late offer in a reliable 1xx (RFC 3262 5)", stable, offerIn1xx, inPrack, true},
		{"and the PRACK answers", inPrack, prackCame, stable, true},
		{"an ACK does not answer what PRACK must", inPrack, ackCame, inPrack, false},
		{"our INVITE offers", stable, offerRequest, inResponse, true},
		{"and a response answers", inResponse, answerCame, stable, true},
		{"or refuses", inResponse, failed, stable, true},
		{"the ACK of an old 2xx is no answer to our re-INVITE", inResponse, ackCame, inResponse, false},
		{"an answer to nothing", stable, answerCame, stable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.in.next(tt.turn)
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %d %t, want %d %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// Every turn in every state: what has no meaning changes nothing, at most one
// offer is outstanding, and an outstanding one refuses the next.
func TestNegotiation_exhaustive(t *testing.T) {
	for n := stable; n <= inResponse; n++ {
		for e := theyOffer; e <= failed; e++ {
			next, ok := n.next(e)
			if !ok && next != n {
				t.Errorf("state %d turn %d: refused, but moved to %d", n, e, next)
			}
			if ok && n != stable && next != stable {
				t.Errorf("state %d turn %d: to %d past stable", n, e, next)
			}
			if ok && next == n {
				t.Errorf("state %d turn %d: taken without effect", n, e)
			}
		}
		if got, want := n.refusal() == 0, n == stable; got != want {
			t.Errorf("state %d: refusal %d", n, n.refusal())
		}
		if n.ours() && n.refusal() != 491 {
			t.Errorf("state %d: our offer is outstanding, refusal %d", n, n.refusal())
		}
	}
}
