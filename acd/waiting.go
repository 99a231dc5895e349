package acd

import (
	"context"
	"time"

	"github.com/lineaamica/la2/acd/floor"
	"github.com/lineaamica/la2/acd/ivr"
	"github.com/lineaamica/la2/cti"
)

// waiting is the stage of a caller in the queue. Three things may happen beside
// each other: an announcement, an overflow dial, and the ringing of an agent,
// which waits for neither.
type waiting struct {
	*inbound
	first  string // what is said first; then the position
	said   bool
	say    *beside[struct{}]
	spill  *beside[dialled]
	target string // of spill
	tried  bool   // the caller was told that we look elsewhere
}

type dialled struct {
	leg cti.LegID
	err error
}

// sayFirst is the quiet before the first announcement: who is served at once
// hears none.
const sayFirst = 2 * time.Second

const (
	// spillRing is how long one overflow dial rings; then the other office is
	// dialled again, and the caller is at its old place there. A node that was
	// restarted there knows nothing of the first dial.
	spillRing = 3 * time.Minute
	// officeWait is how long another office's caller may wait here: longer than any
	// of our dials rings. Who is still there then was left behind by a node that
	// died, and would keep agents from callers who exist.
	officeWait = 5 * time.Minute
)

// run returns the leg of who answered, or why the caller waits no longer.
func (w *waiting) run() (cti.LegID, cti.Cause) {
	pause := time.NewTimer(sayFirst)
	defer pause.Stop()
	if !w.talkative() {
		pause.Stop()
	}
	defer w.hush()
	limit := time.NewTimer(officeWait)
	defer limit.Stop()
	if !w.office || w.answered {
		limit.Stop()
	}
	for {
		select {
		case <-w.ctx.Done():
			return "", w.leave()
		case u := <-w.place.Updates():
			if leg, ok := w.update(u); ok {
				return leg, ""
			}
		case d := <-w.spill.result():
			w.spill = nil
			if leg, ok := w.spilled(d); ok {
				return leg, ""
			}
		case <-pause.C:
			w.announce(w.news()...)
		case <-limit.C:
			w.place.Leave(cti.CauseNoAnswer)
			return "", cti.CauseNoAnswer
		case <-w.say.result():
			w.say = nil
			if w.line.Announce > 0 {
				pause.Reset(w.line.Announce)
			}
		}
	}
}

// leave: the caller hung up.
func (w *waiting) leave() cti.Cause {
	d, ran := w.spill.stop()
	w.spill = nil
	if ran && d.err == nil {
		w.place.Redirected(w.target) // it went while the other office answered
		return w.left()
	}
	cause := w.left()
	w.place.Leave(cause)
	return cause
}

// hush ends what runs beside the script before it goes on.
func (w *waiting) hush() {
	w.say.stop()
	w.spill.stop()
}

func (w *waiting) update(u floor.Update) (cti.LegID, bool) {
	if u.Offer != nil {
		d, ran := w.spill.stop()
		w.spill = nil
		if ran && d.err == nil {
			return w.spilled(d) // the other office was faster
		}
		return w.ring(u.Offer)
	}
	w.startSpill(u.Spill)
	return "", false
}

// ring rings the agent of o. The caller goes on hearing what it hears.
func (w *waiting) ring(o *floor.Offer) (cti.LegID, bool) {
	w.stage("offer")
	ctx, cancel := context.WithTimeoutCause(w.ctx, w.line.Ring, cti.Fail(cti.CauseNoAnswer, "ring time is over"))
	defer cancel()
	ctx, withdraw := context.WithCancelCause(ctx)
	defer withdraw(nil)
	go func() { // ends with ring, by withdraw
		select {
		case <-o.Gone():
			withdraw(cti.Fail(cti.CauseAnsweredElsewhere, "offer has ended"))
		case <-ctx.Done():
		}
	}()
	leg, err := w.c.Dial(ctx, cti.Destination{
		Device: o.Device, Contact: o.Contact, Caller: w.in.Caller, Capsule: w.capsule(""), Ringing: o.Ringing, AutoAnswer: true,
	})
	switch {
	case err == nil:
		w.accept(o, leg)
		return leg, true
	case w.ctx.Err() != nil:
		o.Release()
	default:
		cause := causeOf(err)
		w.log.Debug("agent offer rejected", "agent", string(o.Agent), "cause", string(cause))
		o.Reject(cause)
		w.stage("queue")
	}
	return "", false
}

// accept tells the floor that the agent of o answered. If the agent logged out
// or its device vanished in that very instant, both talk all the same, but the
// floor knows of no conversation.
func (w *waiting) accept(o *floor.Offer, leg cti.LegID) {
	if err := o.Accept(leg); err != nil {
		w.log.Info("agent answered after the offer had ended", "agent", string(o.Agent), "error", err)
		w.place.Leave(cti.CauseAnsweredElsewhere)
		return
	}
	w.offer = o
}

// startSpill rings the queue of another office; the caller keeps its place here
// until an agent there has answered.
func (w *waiting) startSpill(name string) {
	if w.spill != nil {
		return
	}
	t, known := w.cfg.Overflow[name]
	if !known {
		w.log.Error("overflow target is not configured", "target", name)
		w.place.SpillFailed(cti.CauseNotFound)
		return
	}
	w.target = name
	to := cti.Destination{Trunk: t.Trunk, Number: t.Number, Caller: w.in.Caller, Capsule: w.capsule(cti.ClassOverflow), Ring: spillRing}
	w.spill = start(w.ctx, func(ctx context.Context) dialled {
		leg, err := w.c.Dial(ctx, to)
		return dialled{leg, err}
	})
	if !w.tried {
		w.tried = true // once: a target that is closed is tried again and again
		w.announce(promptOverflow)
	}
}

// spilled: the overflow dial has ended.
func (w *waiting) spilled(d dialled) (cti.LegID, bool) {
	if d.err == nil {
		w.place.Redirected(w.target)
		return d.leg, true
	}
	cause := causeOf(d.err)
	w.log.Info("overflow failed", "target", w.target, "cause", string(cause))
	w.place.SpillFailed(cause)
	return "", false
}

// talkative: announcements are for callers who hear us.
func (w *waiting) talkative() bool { return w.answered && !w.line.Plain && w.line.Announce > 0 }

// news is what to say now.
func (w *waiting) news() []string {
	var prompts []string
	if !w.said {
		prompts = append(prompts, w.first)
	}
	n, err := w.place.Position(w.ctx)
	if err != nil || n == 0 {
		n = 0
		if w.said {
			prompts = append(prompts, promptStillWait)
		}
	}
	w.said = true
	return append(prompts, ivr.Position(n)...)
}

// announce says prompts beside everything else, unless something is being said.
func (w *waiting) announce(prompts ...string) {
	if w.say != nil || !w.talkative() {
		return
	}
	w.say = start(w.ctx, func(ctx context.Context) struct{} {
		_, err := w.c.Prompt(ctx, cti.PromptRequest{Prompts: prompts})
		if ctx.Err() == nil {
			w.check("announcement", err)
		}
		return struct{}{}
	})
}
