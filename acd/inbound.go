package acd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/acd/hours"
	"github.com/lineaamica/la2/acd/ivr"
	"github.com/lineaamica/la2/cti"
)

// An inbound is the script of one call. Its methods are the stages, in order;
// each returns a cause when the call ends there, and "" to go on.
type inbound struct {
	*Service
	ctx  context.Context // ends when the caller leaves
	c    Call
	in   cti.Inbound
	line *Line
	log  *slog.Logger

	office   bool // the call comes from another office of the network
	answered bool
	instant  time.Time // network instant
	ticket   cti.TicketID
	info     cti.CallInfo
	queue    cti.QueueID
	skills   []string
	priority int

	place *floor.Place // while the caller waits
	offer *floor.Offer // while an agent serves it
}

// maxHops bounds a call that offices hand round.
const maxHops = 8

// maxReturns bounds how often a caller whose agent got lost is queued again.
const maxReturns = 3

// Serve runs the script of one call and returns why it ended. ctx ends, with a
// *cti.Failure as its cause, when the caller leaves.
//
//	route → hours → greeting → menu → queue ─► offer ─► talk ─► wrap-up
//	                                    ▲         │        │
//	                                    └─────────┴────────┘ no answer, agent lost
//
// A call that another office overflows or transfers to us skips greeting and
// menu and is answered only when an agent answers: until then the caller hears
// the music of the other office and keeps its place there.
func (s *Service) Serve(ctx context.Context, in cti.Inbound, c Call) cti.Cause {
	to, _ := s.cfg.Routes.Lookup(in.Dialled)
	line := s.lines[to.Service]
	if line == nil {
		return cti.CauseNotFound
	}
	r := s.begin(ctx, in, c, line)
	in = r.in
	defer r.end()
	r.publish(cti.Event{
		Type: cti.EvOffered, Service: line.ID, Trunk: in.Trunk, Ticket: r.ticket, Instant: r.instant, Info: r.tell(),
	})
	if r.office && in.Capsule.Ticket == r.ticket {
		r.publish(cti.Event{Type: cti.EvTicketAttached, Ticket: r.ticket, Value: string(in.Capsule.Class)})
	}
	if in.Capsule.Hops > maxHops {
		return cti.CauseForbidden
	}
	if reason := r.closed(); reason != hours.Open {
		return r.sayClosed(reason)
	}
	if cause := r.answer(); cause != "" {
		return cause
	}
	if !r.office && !line.Plain {
		r.choose(r.greet())
	}
	if r.ctx.Err() != nil {
		return r.left() // before the queue: no ticket
	}
	return r.serve()
}

// begin knows what there is to know before the first ring: the ticket is minted
// now, and stored when the caller enters a queue.
func (s *Service) begin(ctx context.Context, in cti.Inbound, c Call, line *Line) *inbound {
	if in.From == "" {
		in.Capsule = cti.Capsule{} // only offices may tell us such things
	}
	r := &inbound{
		Service: s, ctx: ctx, c: c, in: in, line: line, log: s.cfg.Logger.With("call", string(in.Call)),
		office: in.Capsule.Class != "", instant: s.networkInstant(in), ticket: in.Capsule.Ticket,
		queue: line.Queue, priority: line.Priority,
	}
	if !r.ticket.Valid() {
		r.ticket = s.tickets.Mint()
	}
	r.info = cti.CallInfo{Caller: in.Caller, Dialled: in.Dialled, Service: line.ID, From: in.From, Class: in.Capsule.Class}
	return r
}

// networkInstant is stamped by the first trusted node and clamped on receipt.
func (s *Service) networkInstant(in cti.Inbound) time.Time {
	at := in.Capsule.Instant
	switch earliest, latest := in.At.Add(-s.cfg.Stale), in.At.Add(s.cfg.Skew); {
	case at.IsZero():
		return in.At
	case at.Before(earliest):
		return earliest
	case at.After(latest):
		return latest
	}
	return at
}

// closed asks the calendar about the instant at which the call arrived.
func (r *inbound) closed() hours.Reason {
	if r.line.Calendar == nil {
		return hours.Open
	}
	return r.line.Calendar.At(r.in.At)
}

// sayClosed tells a citizen; another office keeps its caller.
func (r *inbound) sayClosed(reason hours.Reason) cti.Cause {
	r.stage("closed")
	if r.office {
		return cti.CauseClosed
	}
	if cause := r.answer(); cause != "" {
		return cause
	}
	if reason == hours.Holiday {
		return r.lastWords(promptHoliday, cti.CauseClosed)
	}
	return r.lastWords(promptClosed, cti.CauseClosed)
}

// answer answers a citizen; another office hears that its caller is queued.
func (r *inbound) answer() cti.Cause {
	if r.office {
		if err := r.c.Ring(r.ctx, 182); err != nil {
			return r.failed(err)
		}
		return ""
	}
	if err := r.c.Answer(r.ctx); err != nil {
		return r.failed(err)
	}
	r.answered = true
	return ""
}

// greet plays the greeting with the privacy notice. A key ends it and is the
// choice of the menu: 0 reaches an agent from the first second.
func (r *inbound) greet() (key string) {
	if len(r.line.Greeting) == 0 {
		return ""
	}
	r.stage("greeting")
	return r.ask(cti.PromptRequest{Prompts: r.line.Greeting, Digits: 1, First: time.Millisecond})
}

// choose plays the menu until a choice is made. Who presses nothing, or twice
// something without meaning, gets an agent without a topic.
func (r *inbound) choose(key string) {
	if r.line.Menu == nil || r.ctx.Err() != nil {
		return
	}
	r.stage("menu")
	r.check("music", r.c.Music(r.line.Music)) // while we wait for a key: a caller on a dead line hangs up
	prompts := []string{r.line.MenuPrompt}
	for range 2 {
		if key == "" {
			key = r.ask(cti.PromptRequest{Prompts: prompts, Digits: 1, First: r.line.MenuTimeout})
		}
		option, known := r.line.Menu.Choose(key)
		if key == "" || r.ctx.Err() != nil {
			return
		}
		if known {
			r.take(option)
			return
		}
		key, prompts = "", []string{promptMenuWrong, r.line.MenuPrompt}
	}
}

func (r *inbound) take(o ivr.Option) {
	choice := o.Topic
	switch {
	case o.Tracking:
		choice = "tracking"
	case choice == "":
		choice = "operator"
	}
	r.publish(cti.Event{Type: cti.EvChoice, Value: choice})
	r.info.Topic, r.skills = o.Topic, o.Skills
	if o.Queue != "" {
		r.queue = o.Queue
	}
	if o.Tracking {
		r.attach()
	}
}

// attach asks for the tracking code of an existing ticket, which then takes the
// place of the new one.
func (r *inbound) attach() {
	prompts := []string{promptEnterCode}
	for range 2 {
		typed := r.ask(cti.PromptRequest{Prompts: prompts, Digits: ivr.CodeDigits, Until: '#'})
		if typed == "" || typed == string(ivr.Operator) {
			return
		}
		if code, ok := ivr.Code(typed); ok {
			if ticket, found := r.tickets.Resolve(r.ctx, code); found {
				r.ticket = ticket
				r.publish(cti.Event{Type: cti.EvTicketAttached, Ticket: ticket, Value: "tracking_code"})
				r.ask(cti.PromptRequest{Prompts: []string{promptCodeOK}})
				return
			}
		}
		prompts = []string{promptCodeWrong, promptEnterCode}
	}
}

// serve queues the caller and lets it talk, again if the agent gets lost.
func (r *inbound) serve() cti.Cause {
	first := promptWait
	for returns := 0; ; returns++ {
		leg, cause := r.wait(first)
		if cause != "" {
			return cause
		}
		cause = r.talk(leg)
		if !lost(cause) || r.ctx.Err() != nil || returns == maxReturns {
			return cause
		}
		r.log.Info("caller queued again", "cause", string(cause))
		r.priority, first = r.line.Priority+1, promptTransferFailed
	}
}

// lost tells whether a talk ended because the agent's side failed: the caller is
// still there and wants somebody.
func lost(cause cti.Cause) bool {
	switch cause {
	case cti.CauseNormal, cti.CauseMaxDuration, cti.CauseShutdown, cti.CauseOverload, cti.CauseAbandoned, cti.CauseRejected:
		return false
	}
	return true
}

// wait queues the caller until somebody talks with it.
func (r *inbound) wait(first string) (cti.LegID, cti.Cause) {
	r.stage("queue")
	if r.answered {
		r.check("music", r.c.Music(r.line.Music))
	}
	place, err := r.floor.Enter(r.ctx, floor.Entry{
		Caller: engine.Caller{
			Call: r.in.Call, Queue: r.queue, Class: r.in.Capsule.Class, Priority: r.priority,
			Skills: r.skills, Instant: r.instant, Topic: r.info.Topic, Ticket: r.ticket,
		},
		Info: r.tell(),
	})
	if err != nil {
		return "", r.notQueued(err)
	}
	r.place = place
	w := &waiting{inbound: r, first: first}
	leg, cause := w.run()
	r.place = nil
	return leg, cause
}

func (r *inbound) notQueued(err error) cti.Cause {
	switch {
	case r.ctx.Err() != nil:
		return r.left()
	case errors.Is(err, floor.ErrFull):
		return r.lastWords(promptNoAgents, cti.CauseOverload)
	case errors.Is(err, floor.ErrStopped):
		return cti.CauseShutdown
	}
	r.log.Error("caller not queued", "queue", string(r.queue), "error", err)
	return r.lastWords(promptError, cti.CauseFailed)
}

// talk lasts until the last leg that serves the caller has left. The first one
// is the agent's: its wrap-up begins when it leaves, also by a transfer.
func (r *inbound) talk(leg cti.LegID) cti.Cause {
	r.answered = true
	r.stage("talk")
	for {
		next, cause := r.c.Talk(r.ctx, leg)
		if r.offer != nil {
			r.offer.Finish()
			r.offer = nil
		}
		switch {
		case r.ctx.Err() != nil:
			return causeOf(context.Cause(r.ctx))
		case next == "":
			return cause
		}
		leg = next
	}
}

// end gives back what the script still holds, whatever happened to it.
func (r *inbound) end() {
	if r.place != nil {
		r.place.Leave(cti.CauseFailed)
	}
	if r.offer != nil {
		r.offer.Finish()
	}
}
