package node

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// A callLog writes the log of the calls. It is one more reader of the stream, so
// no other package logs what a call does: Info has one line per change of a call
// (six for a call that is queued, answered and ended), of a trunk and of the node;
// Debug has every event. Numbers are masked.
type callLog struct{ log *slog.Logger }

// lines are the events that stand at Info or above, with their message.
var lines = map[cti.EventType]string{
	cti.EvOffered:           "call offered",
	cti.EvAnswered:          "call answered",
	cti.EvQueued:            "call queued",
	cti.EvDelivered:         "agent ringing",
	cti.EvDiverted:          "agent offer ended",
	cti.EvEstablished:       "call established",
	cti.EvOneWayAudio:       "leg sends no audio",
	cti.EvHeld:              "caller held",
	cti.EvRetrieved:         "caller retrieved",
	cti.EvRedirected:        "call taken by another office",
	cti.EvTransferring:      "transfer started",
	cti.EvTransferred:       "call transferred",
	cti.EvTransferFailed:    "transfer failed",
	cti.EvCallCleared:       "call cleared",
	cti.EvPassed:            "call passed",
	cti.EvTrunkUp:           "trunk up",
	cti.EvEmergency:         "citizen handed over to the rescuers",
	cti.EvTrunkRegistration: "registration with a carrier",
	cti.EvTrunkDown:         "trunk down",
	cti.EvNodeStarted:       "node started",
	cti.EvNodeStopped:       "node stopped",
}

// flushTime bounds how long the log waits for the last events of a node that stops.
const flushTime = 500 * time.Millisecond

// run reads l from position from until ctx ends, and then what is left.
func (c callLog) run(ctx context.Context, l *stream.Log, from cti.Position) error {
	r, err := l.Subscribe(from)
	if err != nil {
		return err
	}
	for {
		ev, err := r.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return c.rest(context.WithoutCancel(ctx), l, r)
		}
		if err != nil {
			return err
		}
		c.write(ctx, ev)
	}
}

func (c callLog) rest(ctx context.Context, l *stream.Log, r *stream.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	_ = l.Sync(ctx) // what a failing journal keeps back is not told here either
	for {
		ev, ok, err := r.Ready()
		if err != nil || !ok {
			return nil // the stream may be closed by now: the ordinary end
		}
		c.write(ctx, ev)
	}
}

func (c callLog) write(ctx context.Context, ev cti.Event) {
	level, message := slog.LevelDebug, "event"
	if text, ok := lines[ev.Type]; ok {
		level, message = slog.LevelInfo, text
	}
	if ev.Type == cti.EvTrunkDown || ev.Type == cti.EvOneWayAudio {
		level = slog.LevelWarn
	}
	if !c.log.Enabled(ctx, level) {
		return
	}
	c.log.LogAttrs(ctx, level, message, attrs(ev)...)
}

// attrs are the fields of ev that are set, under the names of docs/glossary.md.
func attrs(ev cti.Event) []slog.Attr {
	var out []slog.Attr
	add := func(key, value string) {
		if value != "" {
			out = append(out, slog.String(key, value))
		}
	}
	if _, ok := lines[ev.Type]; !ok {
		add("event", string(ev.Type))
	}
	add("call", string(ev.Call))
	if ev.Type == cti.EvOneWayAudio {
		add("leg", string(ev.Leg))
	}
	add("service", string(ev.Service))
	if ev.Info != nil && (ev.Type == cti.EvOffered || ev.Type == cti.EvPassed) {
		add("caller", cti.Mask(ev.Info.Caller.Number))
		add("from", string(ev.Info.From))
	}
	add("queue", string(ev.Queue))
	add("agent", string(ev.Agent))
	add("device", string(ev.Device))
	add("trunk", ev.Trunk)
	add("target", maskTarget(ev.Target))
	add("stage", ev.Stage)
	switch ev.Type {
	case cti.EvNodeStarted:
		add("version", ev.Value)
	default:
		add("value", ev.Value)
	}
	add("reason", ev.Reason)
	add("cause", string(ev.Cause))
	if ev.Type == cti.EvDelivered && ev.Info != nil {
		out = append(out, slog.Duration("waited", time.Duration(ev.Info.WaitMS)*time.Millisecond))
	}
	if ev.Type == cti.EvCallCleared || ev.Type == cti.EvPassed {
		if began, ok := beginning(ev.Call); ok {
			out = append(out, slog.Duration("lasted", ev.At.Sub(began).Round(time.Millisecond)))
		}
	}
	if _, later := lines[ev.Type]; !later || ev.Type == cti.EvOffered || ev.Type == cti.EvCallCleared {
		add("ticket", string(ev.Ticket)) // once at the beginning and once at the end is enough to find it
	}
	return out
}

// maskTarget hides a target that is a number; offices and trunks have names.
func maskTarget(target string) string {
	if strings.Trim(target, "+0123456789") == "" {
		return cti.Mask(target)
	}
	return target
}

// beginning is when a call was made: its identifier begins with the time.
func beginning(call cti.CallID) (time.Time, bool) {
	id, err := ulid.ParseStrict(string(call))
	if err != nil {
		return time.Time{}, false
	}
	return id.Timestamp(), true
}
