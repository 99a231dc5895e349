package b2bua

import "testing"

func TestLegState_RFC3261_13_15(t *testing.T) {
	tests := []struct {
		name string
		in   legState
		ev   legEvent
		want legState
		act  legAction
	}{
		{"18x makes an early dialog", legCalling, legRang, legRinging, actNone},
		{"2xx without 18x confirms", legCalling, legAccept, legConfirmed, actNone},
		{"2xx after 18x confirms", legRinging, legAccept, legConfirmed, actNone},
		{"giving up before 1xx is CANCEL (9.1)", legCalling, legHangUp, legCleared, actCancel},
		{"giving up while it rings is CANCEL", legRinging, legHangUp, legCleared, actCancel},
		{"a final failure ends it", legRinging, legLeft, legCleared, actNone},
		{"our 2xx waits for ACK (13.3.1.4)", legIncoming, legAccept, legAccepted, actNone},
		{"CANCEL gets 487 (9.2)", legIncoming, legLeft, legCleared, actReject},
		{"a 2xx waits for the PRACK (RFC 3262 3)", legIncoming, legPledge, legPledged, actNone},
		{"and leaves after it", legPledged, legAccept, legAccepted, actNone},
		{"CANCEL while it waits gets 487", legPledged, legLeft, legCleared, actReject},
		{"we refuse after all", legPledged, legHangUp, legCleared, actReject},
		{"we refuse", legIncoming, legHangUp, legCleared, actReject},
		{"ACK confirms", legAccepted, legAcked, legConfirmed, actNone},
		{"no BYE to a caller before its ACK (15)", legAccepted, legHangUp, legClosing, actNone},
		{"BYE when the ACK is there", legClosing, legAcked, legCleared, actBye},
		{"BYE after 64*T1", legClosing, legNoAck, legCleared, actBye},
		{"no ACK for 64*T1 ends the session (13.3.1.4)", legAccepted, legNoAck, legCleared, actBye},
		{"the caller may BYE before ACK", legAccepted, legLeft, legCleared, actNone},
		{"BYE from the caller while we wait to send ours", legClosing, legLeft, legCleared, actNone},
		{"BYE", legConfirmed, legHangUp, legCleared, actBye},
		{"BYE of the far end", legConfirmed, legLeft, legCleared, actNone},
		{"a repeated ACK changes nothing", legConfirmed, legAcked, legConfirmed, actNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, act := tt.in.next(tt.ev)
			if got != tt.want || act != tt.act {
				t.Errorf("%v + %d: got %v, %d; want %v, %d", tt.in, tt.ev, got, act, tt.want, tt.act)
			}
		})
	}
}

// Every event in every state: cleared is final, and an action that ends a dialog
// ends the leg.
func TestLegState_exhaustive(t *testing.T) {
	for s := legCalling; s <= legCleared; s++ {
		for e := legRang; e <= legLeft; e++ {
			next, act := s.next(e)
			if s == legCleared && (next != legCleared || act != actNone) {
				t.Errorf("cleared + %d: got %v, %d", e, next, act)
			}
			if act != actNone && next != legCleared {
				t.Errorf("%v + %d: action %d but state %v", s, e, act, next)
			}
			if (e == legHangUp || e == legLeft) && next != legCleared && next != legClosing {
				t.Errorf("%v + %d: still %v", s, e, next)
			}
			if s.String() == "" {
				t.Errorf("state %d has no name", s)
			}
		}
	}
}
