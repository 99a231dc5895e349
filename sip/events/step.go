package events

// A phase is where the NOTIFYs of one subscription stand. One is outstanding at a
// time, so that none overtakes another; after each the subscription rests, so that a
// resource that changes quickly costs one NOTIFY a pace (RFC 4235 3.10: no more than
// one a second).
//
//	           change, demand              answered
//	   ┌───────┐───────────►┌───────────┐───────────►┌─────────┐
//	   │ quiet │            │  asked    │            │ resting │──┐
//	   └───▲───┘◄──────┐    └─────┬─────┘◄────────┐  └────┬────┘  │ rested
//	       │           │   change,│demand   demand│change │       │
//	       └───────────┼──────────┼───────────────┼───────┼───────┘
//	                   │    ┌─────▼──────┐        │  ┌────▼─────────┐
//	                   │    │ asked and  │────────┼─►│ resting and  │
//	                   │    │ owing      │answered│  │ owing        │
//	                   │    └────────────┘        │  └──────┬───────┘
//	                   │                          └─────────┘ rested, demand
//	any ── end ─► ending ── answered, refused ─► gone ◄── refused, lost ── any
type phase uint8

const (
	quiet phase = iota
	asked
	askedOwing
	resting
	restingOwing
	ending
	gone
)

func (p phase) String() string {
	return [...]string{"quiet", "asked", "askedOwing", "resting", "restingOwing", "ending", "gone"}[p]
}

// A happening moves a subscription.
type happening uint8

const (
	change   happening = iota // the resource changed
	demand                    // SUBSCRIBE came: a NOTIFY is due at once (RFC 6665 4.2.1.2)
	answered                  // 2xx to the NOTIFY
	refused                   // anything else, or nothing (RFC 6665 4.2.2)
	rested                    // the pace is over
	end                       // expired, unsubscribed, or the resource is gone
	lost                      // the way to the watcher is gone
)

// A deed is what the owner does after a step.
type deed uint8

const (
	nothing deed = iota
	notify
	notifyLast // with Subscription-State: terminated
	rest       // set the timer of the pace
	drop       // forget the subscription
)

// next is the step of a subscription. What does not apply changes nothing.
func (p phase) next(h happening) (phase, deed) {
	switch {
	case p == gone:
		return gone, nothing
	case h == lost, h == refused && p != quiet && p != resting && p != restingOwing:
		return gone, drop
	case p == ending && h == answered:
		return gone, drop
	case p == ending || h == refused:
		return p, nothing
	case h == end:
		return ending, notifyLast
	}
	switch p {
	case quiet:
		if h == change || h == demand {
			return asked, notify
		}
	case asked:
		switch h {
		case change, demand:
			return askedOwing, nothing
		case answered:
			return resting, rest
		default:
		}
	case askedOwing:
		if h == answered {
			return restingOwing, rest
		}
	case resting:
		switch h {
		case change:
			return restingOwing, nothing
		case demand:
			return asked, notify
		case rested:
			return quiet, nothing
		default:
		}
	case restingOwing:
		if h == rested || h == demand {
			return asked, notify
		}
	case ending, gone:
	}
	return p, nothing
}
