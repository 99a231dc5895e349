package node

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

// expect is `expect WHAT …`. Values may be alternatives: a|b.
func (w *world) expect(l scriptLine) {
	w.t.Helper()
	synctest.Wait()
	switch l.word(0) {
	case "agent": // agent a1 ready
		a := w.actor(l.word(1))
		if got := string(a.view().State); !oneOf(l.word(2), got) {
			w.t.Errorf("line %d: %s: got %s", l.no, l, got)
		}
	case "audio": // audio caller hears a1 | music | nobody
		w.expectAudio(l)
	case "cdr": // cdr [napoli] count=1 cause=normal outcome=answered wait=11s talk=5s segments=3
		w.expectRecord(l)
	case "ticket": // ticket [napoli] [first] state=open_fo owner=cmna: of the latest call or the first; none for no ticket
		w.expectTicket(l)
	case "same": // same ticket: both nodes name one ticket
		hub, napoli := w.nodes["hub"].latest(), w.nodes["napoli"].latest()
		if a, b := w.nodes["hub"].ticketOf(hub), w.nodes["napoli"].ticketOf(napoli); a != b || a == "" {
			w.t.Errorf("line %d: hub has ticket %q, napoli %q", l.no, a, b)
		}
	case "event": // event [napoli] Diverted count=1 cause=rejected
		w.expectEvent(l)
	case "calls": // calls [napoli] 1
		w.expectNumber(l, w.siteOf(l).sw.Running())
	case "waiting":
		w.expectNumber(l, w.siteOf(l).snapshot().Queues[0].Waiting)
	case "ended": // ended caller
		if !w.actor(l.word(1)).current().Ended() {
			w.t.Errorf("line %d: the call of %s goes on", l.no, l.word(1))
		}
	case "invites": // invites brindisi 0: how many ever came
		a := w.actor(l.word(1))
		w.expectNumber(l, len(a.calls))
	case "hidden": // hidden a1: its INVITE says nothing of the caller's number
		if m := string(w.actor(l.word(1)).current().Invite.Bytes()); strings.Contains(m, "081555") || !strings.Contains(m, "nonymous") {
			w.t.Errorf("line %d: %s: got %s", l.no, l, m)
		}
	case "field": // field a1 Alert-Info TEXT: its last INVITE says that there, none for no such field
		got := w.actor(l.word(1)).current().Invite.Get(l.word(2))
		if want := l.word(3); want == "none" && got != "" || want != "none" && !strings.Contains(got, want) {
			w.t.Errorf("line %d: %s: got %q", l.no, l, got)
		}
	case "trunk": // trunk brindisi down
		if got := w.nodes["hub"].trunks.Usable(l.word(1)); got != (l.word(2) == "up") {
			w.t.Errorf("line %d: %s: usable is %v", l.no, l, got)
		}
	default:
		w.t.Fatalf("line %d: expect %s: not understood", l.no, l)
	}
}

func (w *world) expectNumber(l scriptLine, got int) {
	w.t.Helper()
	want, err := strconv.Atoi(l.words[len(l.words)-1])
	if err != nil || got != want {
		w.t.Errorf("line %d: %s: got %d", l.no, l, got)
	}
}

func oneOf(want, got string) bool { return slices.Contains(strings.Split(want, "|"), got) }

func (o *site) snapshot() engine.Snapshot {
	o.w.t.Helper()
	s, err := o.floor.Snapshot(context.Background())
	if err != nil {
		o.w.t.Fatal(err)
	}
	return s
}

func (a *actor) view() engine.AgentView {
	a.w.t.Helper()
	for _, v := range a.home.snapshot().Agents {
		if v.ID == a.agent() {
			return v
		}
	}
	a.w.t.Fatalf("%s is no agent", a.name)
	return engine.AgentView{}
}

// expectAudio listens for 400 ms of 20 frames.
func (w *world) expectAudio(l scriptLine) {
	w.t.Helper()
	rtp := w.actor(l.word(1)).current().RTP
	before := len(rtp.Received())
	time.Sleep(400 * time.Millisecond)
	heard := map[string]int{}
	frames := 0
	for _, p := range rtp.Received()[before:] {
		frames++
		for _, a := range w.sorted() {
			if len(p.Payload) > 0 && p.Payload[80%len(p.Payload)] == a.voice && p.Payload[0] == a.voice {
				heard[a.name]++
			}
		}
	}
	want, ok := l.word(3), false
	for one := range strings.SplitSeq(want, "|") {
		ok = ok || heard[one] >= 15
	}
	switch want {
	case "music":
		ok = frames >= 15 && len(heard) == 0
	case "nobody":
		ok = len(heard) == 0
	}
	if !ok {
		w.t.Errorf("line %d: %s: got %d frames, of them %v", l.no, l, frames, heard)
	}
}

func (w *world) expectRecord(l scriptLine) {
	w.t.Helper()
	records := w.siteOf(l).records()
	if v, ok := l.option("count"); ok && v != strconv.Itoa(len(records)) {
		w.t.Errorf("line %d: %s: got %d records", l.no, l, len(records))
	}
	if len(records) == 0 {
		return
	}
	r := records[len(records)-1]
	if v, ok := l.option("caller"); ok { // the record of one caller; none for a withheld number
		i := slices.IndexFunc(records, func(r cdr.Record) bool { return r.Caller == v || v == "none" && r.Caller == "" })
		if i < 0 {
			w.t.Errorf("line %d: %s: no such record", l.no, l)
			return
		}
		r = records[i]
	}
	for _, f := range []struct{ name, got string }{
		{"cause", string(r.Cause)}, {"outcome", string(r.Outcome)}, {"segments", strconv.Itoa(len(r.Segments))},
		{"withheld", strconv.FormatBool(r.Withheld)}, {"topic", r.Topic}, {"class", string(r.Class)}, {"from", string(r.From)},
	} {
		if want, ok := l.option(f.name); ok && !oneOf(want, f.got) {
			w.t.Errorf("line %d: %s: got %s=%s", l.no, l, f.name, f.got)
		}
	}
	for name, ms := range map[string]int64{"wait": r.WaitMS, "talk": r.TalkMS, "hold": r.HoldMS, "ring": r.RingMS} {
		v, ok := l.option(name)
		if want, err := time.ParseDuration(v); ok && (err != nil || (want-time.Duration(ms)*time.Millisecond).Abs() > 250*time.Millisecond) {
			w.t.Errorf("line %d: %s: got %s=%dms", l.no, l, name, ms)
		}
	}
}

// latest is the call that came last.
func (o *site) latest() (call cti.CallID) {
	for _, ev := range o.events() {
		if ev.Type == cti.EvOffered {
			call = ev.Call
		}
	}
	return call
}

// first is the first call of a node.
func (o *site) first() cti.CallID {
	for _, ev := range o.events() {
		if ev.Type == cti.EvOffered {
			return ev.Call
		}
	}
	return ""
}

func (w *world) expectTicket(l scriptLine) {
	w.t.Helper()
	o := w.siteOf(l)
	call := o.latest()
	if l.has("first") {
		call = o.first()
	}
	t, err := o.tickets.Get(context.Background(), o.ticketOf(call))
	if l.has("none") {
		if err == nil {
			w.t.Errorf("line %d: %s: got %s %s", l.no, l, t.ID, t.State)
		}
		return
	}
	if err != nil {
		w.t.Errorf("line %d: %s: %v", l.no, l, err)
		return
	}
	if v, ok := l.option("state"); ok && !oneOf(v, string(t.State)) {
		w.t.Errorf("line %d: %s: got %s", l.no, l, t.State)
	}
	if v, ok := l.option("owner"); ok && !oneOf(v, string(t.Owner)) {
		w.t.Errorf("line %d: %s: got owner %s", l.no, l, t.Owner)
	}
	if v, ok := l.option("outcome"); ok && v != t.Outcome {
		w.t.Errorf("line %d: %s: got outcome %q", l.no, l, t.Outcome)
	}
	if v, ok := l.option("contacts"); ok && v != strconv.Itoa(len(t.Contacts)) {
		w.t.Errorf("line %d: %s: got %d contacts", l.no, l, len(t.Contacts))
	}
	if _, told := l.option("told"); told && slices.IndexFunc(t.History, func(h ticket.Entry) bool { return h.Kind == ticket.Tracked }) < 0 {
		w.t.Errorf("line %d: %s: no code was told", l.no, l)
	}
}

func (w *world) expectEvent(l scriptLine) {
	w.t.Helper()
	n := 0
	for _, ev := range w.siteOf(l).events() {
		if !l.has(string(ev.Type)) {
			continue
		}
		if v, ok := l.option("cause"); ok && !oneOf(v, string(ev.Cause)) {
			continue
		}
		n++
	}
	want := "1"
	if v, ok := l.option("count"); ok {
		want = v
	}
	if !oneOf(want, strconv.Itoa(n)) {
		w.t.Errorf("line %d: %s: got %d", l.no, l, n)
	}
}
