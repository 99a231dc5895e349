package b2bua

import "github.com/emiago/sipgo/sip"

// A negotiation says whether an offer of a dialog waits for its answer, and where
// that will be (RFC 3264 4; RFC 3261 13.2.1 and 14.2; RFC 3262 5; RFC 3311 5.1).
// One offer is outstanding at a time, in either direction.
//
//	               theirs                    ┌──────────┐ our offer in a
//	      ┌──────────────────┐               │  stable  │ 2xx: inAck, reliable 1xx: inPrack,
//	      ▼                  │               └─┬──────▲─┘ INVITE: inResponse
//	┌───────────┐ answered   │                 │      │ answered, failed
//	│ theirs    ├────────────┴───────────────► │      │
//	└───────────┘ or failed                    ▼      │
//	                                  ┌────────────────────┐
//	                                  │ inAck inPrack      │
//	                                  │ inResponse         │
//	                                  └────────────────────┘
type negotiation uint8

const (
	stable     negotiation = iota
	theirs                 // they offered, we owe the answer
	inAck                  // our 2xx offered: the answer comes in the ACK
	inPrack                // our reliable 1xx offered: the answer comes in the PRACK
	inResponse             // our INVITE offered: the answer comes in a 1xx or 2xx
)

// A turn is what moves a negotiation.
type turn uint8

const (
	theyOffer    turn = iota // an offer came in a request
	weAnswer                 // our answer left
	offerIn2xx               // our 2xx to a request without offer left
	offerIn1xx               // our reliable 1xx to an INVITE without offer left
	offerRequest             // our INVITE or re-INVITE left
	ackCame                  // ACK, with or without answer
	prackCame                // PRACK of the reliable 1xx that offered
	answerCame               // the answer in a 1xx or 2xx of the far end
	failed                   // the request that offered was refused
)

// next is the step of a negotiation; ok is false when the turn has no meaning in
// n, which then stays.
func (n negotiation) next(t turn) (after negotiation, ok bool) {
	switch n {
	case stable:
		switch t {
		case theyOffer:
			return theirs, true
		case offerIn2xx:
			return inAck, true
		case offerIn1xx:
			return inPrack, true
		case offerRequest:
			return inResponse, true
		case weAnswer, ackCame, prackCame, answerCame, failed:
		}
	case theirs:
		if t == weAnswer || t == failed {
			return stable, true
		}
	case inAck:
		if t == ackCame || t == failed {
			return stable, true
		}
	case inPrack:
		if t == prackCame || t == failed {
			return stable, true
		}
	case inResponse:
		if t == answerCame || t == failed {
			return stable, true
		}
	}
	return n, false
}

// turn moves the negotiation of l and tells whether that had a meaning.
func (l *leg) turn(t turn) bool {
	next, ok := l.oa.next(t)
	l.oa = next
	return ok
}

// ours tells whether an offer of ours waits for its answer.
func (n negotiation) ours() bool { return n == inAck || n == inPrack || n == inResponse }

// refusal is the status for an offer that comes in n, 0 to take it: 491 while one
// of ours is outstanding, 500 with Retry-After while theirs is (RFC 3261 14.2,
// RFC 3311 5.2).
func (n negotiation) refusal() int {
	switch {
	case n.ours():
		return sip.StatusRequestPending
	case n == theirs:
		return sip.StatusInternalServerError
	}
	return 0
}
