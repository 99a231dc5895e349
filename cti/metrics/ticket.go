package metrics

import (
	"maps"
	"slices"
	"strings"

	"github.com/lineaamica/la2/cti"
)

// ticketsKept bounds the tickets whose state is remembered; beyond it the
// closed ones are forgotten (about 15 MB).
const ticketsKept = 200_000

// ticketStates is the state of each ticket, for the "from" of a transition. It
// follows the kinds of change of package ticketlink/ticket, which holds the
// rules; a change it does not know moves nothing.
type ticketStates map[cti.TicketID]string

// apply folds ev; ok when the ticket's state changed. A new ticket comes from "none".
func (t ticketStates) apply(ev cti.Event) (from, to string, ok bool) {
	if ev.Change == nil || ev.Ticket == "" {
		return "", "", false
	}
	from, known := t[ev.Ticket]
	to = from
	switch kind := ev.Change.Kind; {
	case kind == "opened":
		to = "draft"
	case kind == "mirrored":
		to = "open_fo"
	case kind == "answered" && from == "draft":
		to = "open_fo"
	case kind == "abandoned" && from == "draft":
		to = "cancelled"
	case kind == "moved":
		to = ev.Change.Fields["to"]
	case kind == "transferred" && !settled(from):
		if to = "open_fo"; ev.Change.Fields["mode"] == "asynchronous" {
			to = "open_bo"
		}
	}
	if to == from || !slices.Contains(stateNames(), to) {
		return "", "", false
	}
	if !known {
		from = "none"
	}
	if len(t) >= ticketsKept {
		maps.DeleteFunc(t, func(_ cti.TicketID, s string) bool { return settled(s) })
	}
	t[ev.Ticket] = to
	return from, to, true
}

// settled is a state in which nobody works on the ticket.
func settled(s string) bool { return s == "cancelled" || strings.HasPrefix(s, "closed_") }

// stateNames are the only values of the labels from and to, with "none".
func stateNames() []string {
	return []string{"draft", "open_fo", "open_bo", "working_bo", "waiting", "closed_fo", "closed_bo", "cancelled", "external"}
}
