package ticket

import "slices"

// State is where a ticket stands.
//
//	       abandoned
//	draft ──────────────────────────────► cancelled
//	  │ answered                             ▲
//	  ▼                                      │
//	open_fo ─────────────────────────────────┘
//	  │ ▲ └──────────► closed_fo ── reopen ──► open_fo, open_bo
//	  ▼ │
//	open_bo ◄──► working_bo ──► closed_bo ── reopen ──► open_bo
//
//	open_fo, open_bo, working_bo ──► waiting  ──► back, closed_fo, closed_bo
//	open_fo, open_bo, working_bo ──► external ──► open_bo, closed_bo
//	working_bo ──► open_fo
type State string

// The nine states.
const (
	Draft     State = "draft"      // opened while the call waits
	OpenFO    State = "open_fo"    // the front office has it
	OpenBO    State = "open_bo"    // handed to the back office, nobody took it
	WorkingBO State = "working_bo" // the back office works on it
	Waiting   State = "waiting"    // for the citizen, another administration, a call-back
	ClosedFO  State = "closed_fo"
	ClosedBO  State = "closed_bo"
	Cancelled State = "cancelled" // duplicate or empty
	External  State = "external"  // with a body outside the network
)

// States are all states in the order of the Contract.
func States() []State {
	return []State{Draft, OpenFO, OpenBO, WorkingBO, Waiting, ClosedFO, ClosedBO, Cancelled, External}
}

// Next lists the states that may follow s. Waiting leads back only to where it
// came from; closed tickets reopen only for a while (see Apply).
func (s State) Next() []State {
	switch s {
	case Draft:
		return []State{OpenFO, Cancelled}
	case OpenFO:
		return []State{ClosedFO, OpenBO, Waiting, External, Cancelled}
	case OpenBO:
		return []State{WorkingBO, OpenFO, Waiting, External}
	case WorkingBO:
		return []State{ClosedBO, OpenBO, Waiting, OpenFO, External}
	case Waiting:
		return []State{OpenFO, OpenBO, WorkingBO, ClosedBO, ClosedFO}
	case ClosedFO:
		return []State{OpenFO, OpenBO}
	case ClosedBO:
		return []State{OpenBO}
	case External:
		return []State{ClosedBO, OpenBO}
	case Cancelled:
	}
	return nil
}

// May tells whether to may follow s.
func (s State) May(to State) bool { return slices.Contains(s.Next(), to) }

// Closed tells whether the ticket was closed with an outcome.
func (s State) Closed() bool { return s == ClosedFO || s == ClosedBO }

// Reporting is the state as the network's reports count it: the four labels of
// the network and three more for what they leave out.
type Reporting string

// The reporting states.
const (
	InFO      Reporting = "in_fo"
	ApertoBO  Reporting = "aperto_bo"
	Lavorato  Reporting = "in_lavorazione"
	ChiusaFO  Reporting = "chiusa_fo"
	ChiusaBO  Reporting = "chiusa_bo"
	Esterna   Reporting = "esterna"
	Annullata Reporting = "annullata"
	notOpened Reporting = ""
)

// Reporting is how reports count s.
func (s State) Reporting() Reporting {
	switch s {
	case Draft, OpenFO:
		return InFO
	case OpenBO:
		return ApertoBO
	case WorkingBO, Waiting:
		return Lavorato
	case ClosedFO:
		return ChiusaFO
	case ClosedBO:
		return ChiusaBO
	case External:
		return Esterna
	case Cancelled:
		return Annullata
	}
	return notOpened
}
