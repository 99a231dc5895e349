package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lineaamica/la2/cti"
)

// commandTime is how long a command may take before it is 503.
const commandTime = 10 * time.Second

// audit publishes who did what with which outcome. Names that nobody has are
// not recorded: a password may have been typed there.
func (s *Server) audit(ev cti.Event) cti.Position {
	ev.Type = cti.EvAudit
	return s.cfg.Log.Publish(ev)
}

// command runs do for the agent of ses, audits it and answers the position up
// to which its effects are in the stream.
func (s *Server) command(w http.ResponseWriter, r *http.Request, record cti.Event, ses *session, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	err := do(ctx)
	record.Agent, record.Cause = ses.user.Agent, causeOf(err)
	pos := s.audit(record)
	if err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, struct {
		Position string `json:"position"`
	}{pos.String()})
	return nil
}

func (s *Server) agentState(w http.ResponseWriter, r *http.Request, ses *session) error {
	var in struct {
		State  cti.AgentState `json:"state"`
		Reason string         `json:"reason"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	switch {
	case in.State == cti.AgentReady:
		in.Reason = ""
	case in.State == cti.AgentNotReady && slices.Contains(s.cfg.Reasons, in.Reason):
	case in.State == cti.AgentNotReady:
		return &Invalid{Fields: []string{"reason"}}
	default:
		return &Invalid{Fields: []string{"state"}}
	}
	return s.command(w, r, cti.Event{Value: "state " + string(in.State), Reason: in.Reason}, ses, func(ctx context.Context) error {
		return s.cfg.Agents.SetState(ctx, ses.user.Agent, in.State, in.Reason)
	})
}

func (s *Server) agentDevice(w http.ResponseWriter, r *http.Request, ses *session) error {
	var in struct {
		Device cti.DeviceID `json:"device"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.Device == "" || !validDevice(in.Device) {
		return &Invalid{Fields: []string{"device"}}
	}
	return s.command(w, r, cti.Event{Value: "device", Device: in.Device}, ses, func(ctx context.Context) error {
		return s.cfg.Agents.SetDevice(ctx, ses.user.Agent, in.Device)
	})
}

// callVerb is a command about the agent's own call that needs nothing else.
func (s *Server) callVerb(verb string, do func(context.Context, cti.CallID, cti.LegID) error) handler {
	return func(w http.ResponseWriter, r *http.Request, ses *session) error {
		if err := readJSON(w, r, &struct{}{}); err != nil {
			return err
		}
		call := cti.CallID(r.PathValue("call"))
		leg, ok := s.desk.legOf(ses.user.Agent, call)
		if !ok {
			return ErrNotFound
		}
		return s.command(w, r, cti.Event{Value: verb, Call: call, Leg: leg}, ses, func(ctx context.Context) error {
			return do(ctx, call, leg)
		})
	}
}

// answer makes the agent's telephone answer, when it said that it can be told.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, ses *session) error {
	if err := readJSON(w, r, &struct{}{}); err != nil {
		return err
	}
	call := cti.CallID(r.PathValue("call"))
	device, able, ok := s.desk.ringingAt(ses.user.Agent, call)
	if _, talks := s.desk.legOf(ses.user.Agent, call); !ok && !talks {
		return ErrNotFound
	}
	if !able {
		return ErrIllegalState
	}
	return s.command(w, r, cti.Event{Value: "answer", Call: call, Device: device}, ses, func(ctx context.Context) error {
		return s.cfg.Calls.Answer(ctx, call, device)
	})
}

// handOver is transfer or consult.
func (s *Server) handOver(verb string, do func(context.Context, cti.CallID, cti.LegID, Target) error) handler {
	return func(w http.ResponseWriter, r *http.Request, ses *session) error {
		var to Target
		if err := readJSON(w, r, &to); err != nil {
			return err
		}
		if (to.Office == "") == (to.Number == "") || to.Office != "" && !to.Office.Valid() || !validNumber(to.Number) {
			return &Invalid{Fields: []string{"office", "number"}}
		}
		if to.Office != "" && !slices.ContainsFunc(s.cfg.Offices, func(o Office) bool { return o.IPA == to.Office }) {
			return ErrNotFound
		}
		call := cti.CallID(r.PathValue("call"))
		leg, ok := s.desk.legOf(ses.user.Agent, call)
		if !ok {
			return ErrNotFound
		}
		target := string(to.Office)
		if target == "" {
			target = cti.Mask(to.Number)
		}
		return s.command(w, r, cti.Event{Value: verb, Call: call, Leg: leg, Target: target}, ses, func(ctx context.Context) error {
			return do(ctx, call, leg, to)
		})
	}
}

// validNumber accepts digits with an optional leading plus, at most 32, or
// nothing.
func validNumber(n string) bool {
	if len(n) > 32 {
		return false
	}
	for i, c := range []byte(n) {
		if (c < '0' || c > '9') && (c != '+' || i != 0) {
			return false
		}
	}
	return n != "+"
}

// legOf is the leg of a call that agent a has now, not one in wrap-up.
func (d *desk) legOf(a cti.AgentID, call cti.CallID) (cti.LegID, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.byCall[call] {
		if c.agent.id == a && c.state != callReserved && c.state != callWrapUp {
			return c.leg, true
		}
	}
	return "", false
}

// ringingAt is the station at which a call rings for agent a; able tells whether
// its telephone can be told to answer.
func (d *desk) ringingAt(a cti.AgentID, call cti.CallID) (device cti.DeviceID, able, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.byCall[call] {
		if c.agent.id == a && c.state == callRinging {
			return c.agent.device, strings.Contains(c.phone, "talk"), true
		}
	}
	return "", false, false
}
