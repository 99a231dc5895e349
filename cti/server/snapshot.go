package server

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/lineaamica/la2/cti"
)

// A snapshot is what a desktop shows at one position.
type snapshot struct {
	User     string          `json:"user"`
	Name     string          `json:"name"`
	Device   cti.DeviceID    `json:"device"`
	DeviceUp bool            `json:"device_up"`
	Agent    *snapshotAgent  `json:"agent"` // null for a supervisor without calls
	Calls    []snapshotCall  `json:"calls"`
	Queues   []snapshotQueue `json:"queues"`
	Offices  []Office        `json:"offices"`
	Reasons  []string        `json:"reasons"`
}

type snapshotAgent struct {
	State    cti.AgentState `json:"state"`
	Reason   string         `json:"reason"`
	Since    time.Time      `json:"since,omitzero"`
	Deadline time.Time      `json:"deadline,omitzero"`
	Pending  cti.AgentState `json:"pending"`
}

type snapshotCall struct {
	Call    cti.CallID    `json:"call"`
	Leg     cti.LegID     `json:"leg"`
	State   callState     `json:"state"`
	Ticket  cti.TicketID  `json:"ticket"`
	Queue   cti.QueueID   `json:"queue"`
	Service cti.ServiceID `json:"service"`
	Dialled string        `json:"dialled,omitempty"`
	Caller  cti.Party     `json:"caller"`
	Since   time.Time     `json:"since"`
	WaitMS  int64         `json:"wait_ms"`
	Topic   string        `json:"topic"`
	From    cti.SiteID    `json:"from"`
	Class   cti.Class     `json:"class,omitempty"`
	With    string        `json:"with,omitempty"`  // of a consultation: target, caller
	Phone   string        `json:"phone,omitempty"` // what the telephone may be told: talk, hold
}

type snapshotQueue struct {
	Queue     cti.QueueID `json:"queue"`
	Waiting   int         `json:"waiting"`
	LongestMS int64       `json:"longest_ms"`
	Ready     int         `json:"ready"`
}

// snapshot is the desk as u sees it. s.desk.mu must be held.
func (s *Server) snapshot(u User) snapshot {
	d := s.desk
	out := snapshot{User: u.Name, Name: u.FullName, Device: u.Device, Calls: []snapshotCall{},
		Queues: s.queueCounts(u), Offices: s.offices(), Reasons: s.cfg.Reasons}
	if u.Agent == "" {
		return out
	}
	out.Agent = &snapshotAgent{State: cti.AgentLoggedOut}
	if a := d.agents[u.Agent]; a != nil {
		out.Agent = &snapshotAgent{State: a.state, Reason: a.reason, Since: a.since, Deadline: a.deadline, Pending: a.pending}
		if a.device != "" {
			out.Device = a.device
		}
		for _, c := range a.calls {
			if c.state == callReserved {
				continue
			}
			out.Calls = append(out.Calls, snapshotCall{Call: c.call, Leg: c.leg, State: c.state, Ticket: c.ticket,
				Queue: c.queue, Service: c.info.Service, Dialled: c.info.Dialled, Caller: c.info.Caller, Since: c.since, WaitMS: c.info.WaitMS,
				Topic: c.info.Topic, From: c.info.From, Class: c.info.Class, With: c.with, Phone: c.phone})
		}
	}
	out.DeviceUp = d.devices[out.Device]
	return out
}

// queueCounts are those of the queues of u, of all for a supervisor.
// s.desk.mu must be held.
func (s *Server) queueCounts(u User) []snapshotQueue {
	all := u.has(cti.RoleSupervisor)
	out := []snapshotQueue{}
	agents := s.agentCounts()
	for _, q := range s.queueStatus() {
		if all || slices.Contains(u.Queues, q.Queue) {
			out = append(out, snapshotQueue{Queue: q.Queue, Waiting: q.Waiting, LongestMS: q.LongestMS,
				Ready: agents[q.Queue][cti.AgentReady]})
		}
	}
	return out
}

// offices are the transfer targets. s.desk.mu must be held.
func (s *Server) offices() []Office {
	out := slices.Clone(s.cfg.Offices)
	for i := range out {
		out[i].Up = s.desk.trunks[out[i].Trunk]
	}
	if out == nil {
		out = []Office{}
	}
	return out
}

// queueStatus are the totals with who waits now. s.desk.mu must be held.
func (s *Server) queueStatus() []QueueStatus {
	d := s.desk
	waiting := map[cti.QueueID]QueueStatus{}
	now := d.now()
	for _, r := range d.calls.Open {
		if q, since, ok := r.Waiting(); ok {
			w := waiting[q]
			w.Waiting++
			w.LongestMS = max(w.LongestMS, now.Sub(since).Milliseconds())
			waiting[q] = w
			d.queue(q)
		}
	}
	out := []QueueStatus{}
	for _, id := range slices.Sorted(maps.Keys(d.queues)) {
		q := *d.queues[id]
		q.Waiting, q.LongestMS = waiting[id].Waiting, waiting[id].LongestMS
		out = append(out, q)
	}
	return out
}

// agentCounts counts agents by queue and state. Who is Ready at a station without
// a registration gets no caller and counts as not ready. s.desk.mu must be held.
func (s *Server) agentCounts() map[cti.QueueID]map[cti.AgentState]int {
	out := map[cti.QueueID]map[cti.AgentState]int{}
	for q := range s.desk.queues {
		out[q] = map[cti.AgentState]int{}
	}
	for id, a := range s.desk.agents {
		state := a.state
		switch {
		case state == cti.AgentLoggedOut:
			continue
		case state == cti.AgentReady && a.device != "" && !s.desk.devices[a.device]:
			state = cti.AgentNotReady
		}
		for _, q := range s.cfg.QueuesOf(id) {
			if out[q] == nil {
				out[q] = map[cti.AgentState]int{}
			}
			out[q][state]++
		}
	}
	return out
}

// Status is what GET /cti/v1/status answers.
func (s *Server) Status() Status {
	d := s.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	out := Status{Site: s.cfg.Site, UptimeMS: s.cfg.Now().Sub(s.started).Milliseconds(), Queues: s.queueStatus(),
		Agents: s.agentCounts(), Calls: len(d.calls.Open), Trunks: []TrunkStatus{}, Bans: s.cfg.Bans()}
	calls := map[string]int{}
	for _, r := range d.calls.Open {
		for _, trunk := range r.Trunks() {
			calls[trunk]++
		}
	}
	for name, up := range d.trunks {
		t := TrunkStatus{Name: name, Up: up, Calls: calls[name]}
		if s.cfg.TrunkDetail != nil {
			t.TrunkDetail = s.cfg.TrunkDetail(name)
		}
		out.Trunks = append(out.Trunks, t)
	}
	slices.SortFunc(out.Trunks, func(a, b TrunkStatus) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
