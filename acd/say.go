package acd

import (
	"context"
	"errors"
	"time"

	"github.com/lineaamica/la2/cti"
)

// publish stamps an event of this call.
func (r *inbound) publish(ev cti.Event) {
	ev.Call = r.in.Call
	ev.At = time.Now()
	r.Service.log.Publish(ev)
}

// stage says where the script is, so that it can be resumed and explained.
func (r *inbound) stage(name string) {
	r.publish(cti.Event{Type: cti.EvStage, Stage: name, Service: r.line.ID, Ticket: r.ticket})
}

// tell copies what is known of the call, for an event.
func (r *inbound) tell() *cti.CallInfo {
	info := r.info
	return &info
}

// capsule is what goes with a leg that we dial.
func (r *inbound) capsule(class cti.Class) cti.Capsule {
	return cti.Capsule{Ticket: r.ticket, Instant: r.instant, Class: class, Hops: r.in.Capsule.Hops + 1}
}

// ask plays a prompt and returns the keys. A prompt that fails is no reason to
// lose a caller: it is as if nothing had been pressed.
func (r *inbound) ask(p cti.PromptRequest) string {
	if r.ctx.Err() != nil {
		return ""
	}
	keys, err := r.c.Prompt(r.ctx, p)
	if r.ctx.Err() != nil {
		return ""
	}
	r.check("prompt", err)
	return keys
}

// lastWords says why the call ends; a caller who hears nothing gets the cause alone.
func (r *inbound) lastWords(prompt string, cause cti.Cause) cti.Cause {
	if r.answered {
		r.ask(cti.PromptRequest{Prompts: []string{prompt}})
	}
	if r.ctx.Err() != nil {
		return r.left()
	}
	return cause
}

// check logs what does not stop the script.
func (r *inbound) check(what string, err error) {
	if err != nil && r.ctx.Err() == nil {
		r.log.Warn("step of the script failed", "step", what, "error", err)
	}
}

// left is why a caller who was not served is gone.
func (r *inbound) left() cti.Cause {
	if cause := causeOf(context.Cause(r.ctx)); cause != cti.CauseNormal {
		return cause
	}
	return cti.CauseAbandoned
}

// failed is why a verb of the call did not work.
func (r *inbound) failed(err error) cti.Cause {
	if r.ctx.Err() != nil {
		return r.left()
	}
	return causeOf(err)
}

// causeOf finds the cause that err carries.
func causeOf(err error) cti.Cause {
	var f *cti.Failure
	switch {
	case errors.As(err, &f):
		return f.Cause
	case errors.Is(err, context.Canceled):
		return cti.CauseAbandoned
	case errors.Is(err, context.DeadlineExceeded):
		return cti.CauseNoAnswer
	}
	return cti.CauseFailed
}
