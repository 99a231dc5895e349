package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lineaamica/la2/cti"
)

const (
	id   = cti.TicketID("c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC")
	site = cti.SiteID("c_b180")
)

var start = time.Date(2026, 3, 10, 9, 12, 44, 0, time.UTC)

// change is the next change of t.
func change(t Ticket, kind Kind, fields ...string) Change {
	c := Change{Ticket: id, Kind: kind, Revision: t.Revision + 1, At: start.Add(time.Duration(t.Revision) * time.Minute), By: site, Role: FrontOffice, Fields: map[string]string{}}
	for i := 0; i < len(fields); i += 2 {
		c.Fields[fields[i]] = fields[i+1]
	}
	return c
}

func mustApply(tb testing.TB, t Ticket, c Change) Ticket {
	tb.Helper()
	next, err := Apply(t, c)
	if err != nil {
		tb.Fatalf("%s of %s: %v", c.Kind, t.State, err)
	}
	return next
}

func opened(tb testing.TB) Ticket {
	tb.Helper()
	return mustApply(tb, Ticket{}, change(Ticket{}, Opened, "contact_id", "call1", "contact_at", "2026-03-10T09:12:30Z"))
}

// complete is what closing asks for.
var complete = []string{"category", "13", "topic", "13.01", "outcome", "answered", "answer", "Si fa così."}

// in brings a ticket into a state by legal changes.
func in(tb testing.TB, s State) Ticket {
	tb.Helper()
	t := opened(tb)
	if s == Draft {
		return t
	}
	if s == Cancelled {
		return mustApply(tb, t, change(t, Abandoned, "contact_id", "call1"))
	}
	t = mustApply(tb, t, change(t, Answered, "contact_id", "call1", "wait_s", "21"))
	path := map[State][]State{OpenFO: nil, OpenBO: {OpenBO}, WorkingBO: {OpenBO, WorkingBO}, Waiting: {Waiting}, ClosedFO: {ClosedFO},
		ClosedBO: {OpenBO, WorkingBO, ClosedBO}, External: {External}}
	for _, to := range path[s] {
		t = mustApply(tb, t, change(t, Moved, append([]string{"to", string(to), "waiting_for", "citizen"}, complete...)...))
	}
	if t.State != s {
		tb.Fatalf("got %s, want %s", t.State, s)
	}
	return t
}

// The whole table, nine states by nine, as the Contract prints it: x is allowed, w only
// when the ticket waits from that state.
func TestMoved_table(t *testing.T) {
	const table = `
	            draft open_fo open_bo working_bo waiting closed_fo closed_bo cancelled external
	draft       .     x       .       .          .       .         .         x         .
	open_fo     .     .       x       .          x       x         .         x         x
	open_bo     .     x       .       x          x       .         .         .         x
	working_bo  .     x       x       .          x       .         x         .         x
	waiting     .     w       w       w          .       x         x         .         .
	closed_fo   .     x       x       .          .       .         .         .         .
	closed_bo   .     .       x       .          .       .         .         .         .
	cancelled   .     .       .       .          .       .         .         .         .
	external    .     .       x       .          .       .         x         .         .`
	lines := strings.Split(strings.TrimSpace(table), "\n")
	head := strings.Fields(lines[0])
	if len(head) != len(States()) || len(lines) != 10 {
		t.Fatalf("%d columns, %d lines", len(head), len(lines))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		from := State(cells[0])
		for i, cell := range cells[1:] {
			to := State(head[i])
			before := in(t, from)
			want := cell == "x" || (cell == "w" && to == OpenFO) // in() waits from open_fo
			c := change(before, Moved, append([]string{"to", string(to), "waiting_for", "citizen"}, complete...)...)
			after, err := Apply(before, c)
			if (err == nil) != want {
				t.Errorf("%s to %s: got %v, want allowed=%v", from, to, err, want)
			}
			if (cell != ".") != from.May(to) {
				t.Errorf("%s.May(%s) = %v", from, to, from.May(to))
			}
			if err != nil {
				if illegal, ok := errors.AsType[*IllegalError](err); !ok || illegal.From != from || illegal.To != to {
					t.Errorf("%s to %s: got %v", from, to, err)
				}
				if !reflect.DeepEqual(after, before) {
					t.Errorf("%s to %s: refused and changed", from, to)
				}
				continue
			}
			if after.State != to || after.ReportingState != to.Reporting() || after.Revision != before.Revision+1 {
				t.Errorf("%s to %s: got %+v", from, to, after)
			}
		}
	}
}

// Every kind in every state: never a panic, never a half-made change.
func TestApply_exhaustive(t *testing.T) {
	kinds := []Kind{Opened, Mirrored, Contacted, Answered, Abandoned, Ended, Transferred, Moved, Edited, Tracked, "unheard_of", ""}
	for _, s := range States() {
		for _, k := range kinds {
			before := in(t, s)
			copied := clone(t, before)
			after, err := Apply(before, change(before, k))
			if !reflect.DeepEqual(before, copied) {
				t.Errorf("%s of %s changed its argument", k, s)
			}
			if err != nil && !reflect.DeepEqual(after, before) {
				t.Errorf("%s of %s failed and changed", k, s)
			}
			if err == nil && (after.Revision != before.Revision+1 || len(after.History) != int(after.Revision)) {
				t.Errorf("%s of %s: revision %d, %d lines", k, s, after.Revision, len(after.History))
			}
		}
	}
}

func clone(tb testing.TB, t Ticket) Ticket {
	tb.Helper()
	raw, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	var out Ticket
	if err := json.Unmarshal(raw, &out); err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestClosing_guards(t *testing.T) {
	tests := []struct {
		fields  []string
		missing []string
		invalid []string
	}{
		{nil, []string{"category", "topic", "outcome"}, nil},
		{[]string{"category", "13"}, []string{"topic", "outcome"}, nil},
		{[]string{"category", "13", "topic", "13.02", "outcome", "answered"}, []string{"answer"}, nil},
		{[]string{"category", "13", "topic", "13.02", "outcome", "not_competent"}, nil, nil},
		{complete, nil, nil},
		{[]string{"category", "25", "topic", "1.1", "outcome", "x"}, nil, []string{"category", "topic", "outcome"}},
		{[]string{"category", "13", "topic", "14.02", "outcome", "duplicate"}, nil, []string{"topic"}},
		{append([]string{"subject", strings.Repeat("è", 161)}, complete...), nil, []string{"subject"}},
		{append([]string{"subject", strings.Repeat("è", 160)}, complete...), nil, nil},
		{append([]string{"subject", "a\nb", "description", "a\x00", "contact_reason", "x"}, complete...), nil, []string{"contact_reason", "subject", "description"}},
	}
	for _, tc := range tests {
		before := in(t, OpenFO)
		_, err := Apply(before, change(before, Moved, append([]string{"to", "closed_fo"}, tc.fields...)...))
		fe, _ := errors.AsType[*FieldError](err)
		if fe == nil {
			fe = &FieldError{}
		}
		if (err == nil) != (tc.missing == nil && tc.invalid == nil) || !reflect.DeepEqual(fe.Missing, tc.missing) || !reflect.DeepEqual(fe.Invalid, tc.invalid) {
			t.Errorf("%q: got %v, want missing %v, invalid %v", tc.fields, err, tc.missing, tc.invalid)
		}
	}
}

func TestMoved_owner(t *testing.T) {
	before := in(t, OpenFO)
	for _, kind := range []Kind{Moved, Edited} {
		c := change(before, kind, "to", "open_bo")
		c.By = "cmna"
		if _, err := Apply(before, c); !errors.Is(err, ErrNotOwner) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

func TestMoved_reopen(t *testing.T) {
	closed := in(t, ClosedFO)
	if closed.ClosedByRole != FrontOffice || closed.ClosedAt.IsZero() {
		t.Errorf("got %+v", closed)
	}
	c := change(closed, Moved, "to", "open_fo")
	c.At = closed.ClosedAt.Add(ReopenWithin)
	again := mustApply(t, closed, c)
	if !again.ClosedAt.IsZero() || again.Outcome != "" || again.ClosedByRole != "" {
		t.Errorf("got %+v", again)
	}
	c.At = c.At.Add(time.Second)
	if _, err := Apply(closed, c); !errors.Is(err, ErrTooLate) {
		t.Errorf("got %v", err)
	}
}

func TestMoved_waiting(t *testing.T) {
	before := in(t, WorkingBO)
	if _, err := Apply(before, change(before, Moved, "to", "waiting", "waiting_for", "godot")); err == nil {
		t.Error("waits for anything")
	}
	w := mustApply(t, before, change(before, Moved, "to", "waiting", "waiting_for", "other_administration"))
	if w.WaitingFor != "other_administration" || w.ReportingState != Lavorato {
		t.Errorf("got %+v", w)
	}
	if _, err := Apply(w, change(w, Moved, "to", "open_fo")); err == nil {
		t.Error("went back to where it did not come from")
	}
	back := mustApply(t, w, change(w, Moved, "to", "working_bo"))
	if back.WaitingFor != "" || back.WaitingFrom != "" {
		t.Errorf("got %+v", back)
	}
}

func TestContacts(t *testing.T) {
	tk := opened(t)
	if tk.State != Draft || tk.ReportingState != InFO || tk.Owner != site || tk.Creator != site || len(tk.Contacts) != 1 {
		t.Fatalf("got %+v", tk)
	}
	if _, err := Apply(tk, change(tk, Contacted, "contact_id", "call1")); !errors.Is(err, ErrContact) {
		t.Errorf("twice: got %v", err)
	}
	if _, err := Apply(tk, change(tk, Answered, "contact_id", "other")); !errors.Is(err, ErrContact) {
		t.Errorf("unknown: got %v", err)
	}
	tk = mustApply(t, tk, change(tk, Answered, "contact_id", "call1", "wait_s", "21"))
	tk = mustApply(t, tk, change(tk, Ended, "contact_id", "call1", "duration_s", "180"))
	tk = mustApply(t, tk, change(tk, Contacted, "contact_id", "call2"))
	tk = mustApply(t, tk, change(tk, Abandoned, "contact_id", "call2", "wait_s", "x"))
	if tk.State != OpenFO {
		t.Errorf("a later abandoned call moved it to %s", tk.State)
	}
	want := []Contact{
		{ID: "call1", Channel: "phone", Direction: "in", At: time.Date(2026, 3, 10, 9, 12, 30, 0, time.UTC), Site: site, WaitS: 21, DurationS: 180},
		{ID: "call2", Channel: "phone", Direction: "in", At: start.Add(3 * time.Minute), Site: site, Abandoned: true},
	}
	if !reflect.DeepEqual(tk.Contacts, want) {
		t.Errorf("got %+v", tk.Contacts)
	}
}

func TestAbandoned_draft(t *testing.T) {
	tk := in(t, Cancelled)
	if tk.Outcome != "abandoned" || !tk.Contacts[0].Abandoned || tk.ReportingState != Annullata {
		t.Errorf("got %+v", tk)
	}
}

func TestMirroredAndTransferred(t *testing.T) {
	c := Change{Ticket: "formezpa.01JZ8Q4W7N5T3X9V2R6K1M0HDC", Kind: Mirrored, Revision: 1, At: start, By: site,
		Fields: map[string]string{"owner": "formezpa", "contact_id": "call9"}}
	tk := mustApply(t, Ticket{}, c)
	if tk.Creator != "formezpa" || tk.Owner != "formezpa" || tk.State != OpenFO || tk.Contacts[0].Site != site {
		t.Fatalf("got %+v", tk)
	}
	c = Change{Ticket: tk.ID, Kind: Transferred, Revision: 2, At: start, By: site, Fields: map[string]string{"to": string(site), "reason": "overflow"}}
	tk = mustApply(t, tk, c)
	if tk.Owner != site || tk.State != OpenFO || len(tk.Transfers) != 1 || tk.Transfers[0].From != "formezpa" || tk.Transfers[0].Mode != "synchronous" {
		t.Errorf("got %+v", tk)
	}
	c.Revision = 3
	if _, err := Apply(tk, c); err == nil {
		t.Error("transferred to its owner")
	}
	closed := in(t, ClosedFO)
	if got := mustApply(t, closed, change(closed, Transferred, "to", "cmna")); got.State != ClosedFO || got.Owner != "cmna" {
		t.Errorf("got %s %s", got.State, got.Owner)
	}
}

func TestApply_revision(t *testing.T) {
	tk := opened(t)
	for _, rev := range []int64{0, 1, 3} {
		c := change(tk, Tracked)
		c.Revision = rev
		if _, err := Apply(tk, c); !errors.Is(err, ErrRevision) {
			t.Errorf("revision %d: got %v", rev, err)
		}
	}
	other := change(tk, Tracked)
	other.Ticket = "c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDD"
	if _, err := Apply(tk, other); !errors.Is(err, ErrKind) {
		t.Errorf("other ticket: got %v", err)
	}
	if _, err := Apply(Ticket{}, change(Ticket{}, Moved)); !errors.Is(err, ErrKind) {
		t.Errorf("not opened: got %v", err)
	}
}

func TestCitizen_consent(t *testing.T) {
	tk := in(t, OpenFO)
	tk = mustApply(t, tk, change(tk, Edited, "contact_kind", "phone", "contact_value", "+390831000000"))
	if tk.Citizen.Contact == "" || tk.Citizen.ConsentAt.IsZero() {
		t.Errorf("got %+v", tk.Citizen)
	}
	tk = mustApply(t, tk, change(tk, Edited, "contact_value", ""))
	if tk.Citizen != (Citizen{}) {
		t.Errorf("got %+v", tk.Citizen)
	}
}

// Replaying the changes of any history gives the ticket, also when they went
// through the events of the stream and JSON.
func TestApply_replay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var tk Ticket
		var changes []Change
		try := func(c Change) {
			next, err := Apply(tk, c)
			if err != nil {
				if !reflect.DeepEqual(next, tk) {
					rt.Fatalf("%s failed and changed", c.Kind)
				}
				return
			}
			tk, changes = next, append(changes, c)
		}
		try(change(tk, Opened, "contact_id", "call0", "anonymous", "true"))
		kinds := []Kind{Contacted, Answered, Abandoned, Ended, Transferred, Moved, Moved, Moved, Moved, Edited, Tracked}
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			c := change(tk, rapid.SampledFrom(kinds).Draw(rt, "kind"), complete...)
			c.Fields["contact_id"] = fmt.Sprint("call", rapid.IntRange(0, 2).Draw(rt, "call"))
			c.Fields["waiting_for"] = "citizen"
			c.Fields["to"] = string(rapid.SampledFrom(States()).Draw(rt, "to"))
			if c.Kind == Transferred {
				c.Fields["to"] = rapid.SampledFrom([]string{"cmna", "c_b180"}).Draw(rt, "office")
			}
			c.By = rapid.SampledFrom([]cti.SiteID{site, tk.Owner}).Draw(rt, "by")
			c.EventID = rapid.StringMatching(`[0-9A-Z]{5}`).Draw(rt, "event")
			try(c)
		}
		var again Ticket
		for _, c := range changes {
			raw, err := json.Marshal(c.Event())
			if err != nil {
				rt.Fatal(err)
			}
			var ev cti.Event
			if err := json.Unmarshal(raw, &ev); err != nil {
				rt.Fatal(err)
			}
			ev.At = ev.At.Add(time.Second) // the stream may date an event later
			back, ok := FromEvent(ev)
			if !ok || !maps.Equal(back.Fields, c.Fields) {
				rt.Fatalf("got %+v, want %+v", back, c)
			}
			if again, err = Apply(again, back); err != nil {
				rt.Fatal(err)
			}
		}
		if !reflect.DeepEqual(again, tk) {
			rt.Fatalf("got  %+v\nwant %+v", again, tk)
		}
		if !reflect.DeepEqual(clone(t, tk), tk) {
			rt.Fatal("JSON loses something")
		}
		closed := tk.State.Closed()
		if closed && (len(tk.Missing()) > 0 || tk.ClosedAt.IsZero()) {
			rt.Fatalf("closed without %v", tk.Missing())
		}
		if (tk.State == Waiting) != (tk.WaitingFrom != "") {
			rt.Fatalf("%s waits from %q", tk.State, tk.WaitingFrom)
		}
	})
}

func TestReporting(t *testing.T) {
	want := map[State]Reporting{Draft: "in_fo", OpenFO: "in_fo", OpenBO: "aperto_bo", WorkingBO: "in_lavorazione", Waiting: "in_lavorazione",
		ClosedFO: "chiusa_fo", ClosedBO: "chiusa_bo", External: "esterna", Cancelled: "annullata"}
	for _, s := range States() {
		if s.Reporting() != want[s] {
			t.Errorf("%s: got %s", s, s.Reporting())
		}
	}
	if State("x").Reporting() != "" || State("x").Next() != nil {
		t.Error("unknown state")
	}
}

func ExampleApply() {
	t, err := Apply(Ticket{}, Change{
		Ticket: "c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC", Kind: Opened, Revision: 1, At: start, By: "c_b180",
		Fields: map[string]string{"contact_id": "01JZ8Q4W7N5T3X9V2R6K1M0HDD"},
	})
	fmt.Println(t.State, t.ReportingState, t.Revision, err)
	_, err = Apply(t, Change{Ticket: t.ID, Kind: Moved, Revision: 2, At: start, By: "c_b180", Fields: map[string]string{"to": "closed_bo"}})
	fmt.Println(err)
	// Output:
	// draft in_fo 1 <nil>
	// ticket: transition draft to closed_bo: not allowed
}
