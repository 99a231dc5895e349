package b2bua

// A legState is where the INVITE usage of a leg stands (RFC 3261 13 and 15).
//
//	UAS (the caller)                     UAC (whom we ring)
//
//	         ┌──────────┐                ┌─────────┐ rang ┌─────────┐
//	    ┌────│ incoming │                │ calling │─────►│ ringing │
//	    │    └────┬─────┘──► pledged     └────┬────┘      └──┬───┬──┘
//	    │ hangUp, │ accepted: 2xx ◄─┘         │ accepted: 2xx, ACK│
//	    │ left    ▼          noAck            ▼              │   │ hangUp: CANCEL
//	    │    ┌──────────┐ left  ──┐      ┌───────────┐◄──────┘   │ left
//	    │    │ accepted │─────────┤      │ confirmed │           │
//	    │    └─┬──────┬─┘ acked   │      └─────┬─────┘           │
//	    │hangUp▼      └──────────────────►     │ hangUp: BYE     │
//	    │  ┌─────────┐ acked, noAck: BYE       │ left            │
//	    │  │ closing │────────────┐            │                 │
//	    │  └─────────┘ left       ▼            ▼                 │
//	    └────────────────────►┌─────────────────┐◄───────────────┘
//	                          │     cleared     │
//	                          └─────────────────┘
//
// A caller is not sent BYE before its ACK or 64*T1 (RFC 3261 15): that is what
// closing waits for. A caller whose reliable 1xx with SDP has no PRACK yet is
// pledged: its 2xx is made and waits (RFC 3262 3).
type legState uint8

const (
	legCalling legState = iota
	legRinging
	legIncoming
	legPledged
	legAccepted
	legClosing
	legConfirmed
	legCleared
)

func (s legState) String() string {
	return [...]string{"calling", "ringing", "incoming", "pledged", "accepted", "closing", "confirmed", "cleared"}[s]
}

// unproven tells whether the far end has not shown yet that it is where it says:
// a caller whose ACK is missing.
func (s legState) unproven() bool {
	return s == legIncoming || s == legPledged || s == legAccepted
}

// A legEvent moves a leg.
type legEvent uint8

const (
	legRang   legEvent = iota // 18x came (UAC) or was sent (UAS)
	legAccept                 // 2xx came or was sent
	legPledge                 // our 2xx is made, but has to wait for a PRACK
	legAcked                  // ACK for our 2xx came
	legNoAck                  // it did not, for 64*T1
	legHangUp                 // we end it
	legLeft                   // the far end ended it: BYE, CANCEL or a final failure
)

// A legAction is what the owner owes the far end after a step.
type legAction uint8

const (
	actNone   legAction = iota
	actCancel           // CANCEL every branch; a late 2xx is ACKed and gets BYE
	actReject           // final failure for the INVITE
	actBye
)

// next is the step of the leg. Events that do not apply leave the state alone.
func (s legState) next(e legEvent) (legState, legAction) {
	switch s {
	case legCalling, legRinging:
		switch e {
		case legRang:
			return legRinging, actNone
		case legAccept:
			return legConfirmed, actNone
		case legHangUp:
			return legCleared, actCancel
		case legLeft:
			return legCleared, actNone
		case legAcked, legNoAck, legPledge:
		}
	case legIncoming, legPledged:
		switch e {
		case legPledge:
			return legPledged, actNone
		case legAccept:
			return legAccepted, actNone
		case legHangUp, legLeft:
			return legCleared, actReject
		case legRang, legAcked, legNoAck:
		}
	case legAccepted:
		switch e {
		case legAcked:
			return legConfirmed, actNone
		case legNoAck:
			return legCleared, actBye
		case legHangUp:
			return legClosing, actNone
		case legLeft:
			return legCleared, actNone
		case legRang, legAccept, legPledge:
		}
	case legClosing:
		switch e {
		case legAcked, legNoAck:
			return legCleared, actBye
		case legLeft:
			return legCleared, actNone
		case legRang, legAccept, legPledge, legHangUp:
		}
	case legConfirmed:
		switch e {
		case legHangUp:
			return legCleared, actBye
		case legLeft:
			return legCleared, actNone
		case legRang, legAccept, legPledge, legAcked, legNoAck:
		}
	case legCleared:
	}
	return s, actNone
}
