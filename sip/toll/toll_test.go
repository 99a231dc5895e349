package toll

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lim   Limits
		calls int           // before
		talk  time.Duration // each
		runs  bool          // and has not ended
		later time.Duration
		want  Reason
	}{
		{"the first", Limits{1, 1, 1}, 0, 0, false, 0, OK},
		{"no limits", Limits{}, 500, time.Hour, true, 0, OK},
		{"one at a time", Limits{Calls: 1}, 1, 0, true, 0, Now},
		{"one after the other", Limits{Calls: 1}, 1, time.Minute, false, time.Minute, OK},
		{"calls of the day", Limits{DayCalls: 3}, 3, time.Second, false, time.Hour, DayCalls},
		{"calls of yesterday", Limits{DayCalls: 3}, 3, time.Second, false, 13 * time.Hour, OK},
		{"minutes of the day", Limits{DayMinutes: 10}, 2, 5 * time.Minute, false, time.Hour, DayMinutes},
		{"minutes not quite", Limits{DayMinutes: 10}, 2, 4 * time.Minute, false, time.Hour, OK},
		{"minutes of a call that runs", Limits{DayMinutes: 10}, 1, 0, true, 10 * time.Minute, DayMinutes},
		{"a call that runs since yesterday", Limits{DayMinutes: 90}, 1, 0, true, 13 * time.Hour, OK},
		{"and on", Limits{DayMinutes: 90}, 1, 0, true, 13*time.Hour + 30*time.Minute, DayMinutes},
		{"the lasting limit is told first", Limits{Calls: 1, DayCalls: 1}, 1, 0, true, 0, DayCalls},
	} {
		var l Ledger
		p := Payer{"1001", tt.lim}
		for range tt.calls {
			c, why, _ := l.Begin(noon, Payer{Name: "1001"})
			if why != OK {
				t.Fatal(why)
			}
			if c.Answered(noon); !tt.runs {
				c.Answered(noon.Add(time.Hour)) // a fork's second answer is none
				c.End(noon.Add(tt.talk))
				c.End(noon.Add(time.Hour))
			}
		}
		if _, why, who := l.Begin(noon.Add(tt.later), p); why != tt.want || (why != OK) != (who == "1001") {
			t.Errorf("%s: got %q of %q, want %q", tt.name, why, who, tt.want)
		}
	}
}

// A call that nobody answers costs no minutes but counts as one, and a refused one
// costs nobody anything.
func TestBegin_allOrNothing(t *testing.T) {
	var l Ledger
	station, trunk := Payer{"1001", Limits{DayCalls: 2}}, Payer{"pstn", Limits{Calls: 1}}
	c, why, _ := l.Begin(noon, station, trunk)
	if why != OK {
		t.Fatal(why)
	}
	if _, why, who := l.Begin(noon, station, trunk); why != Now || who != "pstn" {
		t.Errorf("got %q of %q", why, who)
	}
	c.End(noon)
	if c, why, _ = l.Begin(noon, station, trunk); why != OK {
		t.Errorf("the refused call was booked: %q", why)
	}
	c.End(noon)
	if _, why, who := l.Begin(noon, station, trunk); why != DayCalls || who != "1001" {
		t.Errorf("got %q of %q", why, who)
	}
}

func ExampleLedger() {
	var l Ledger
	station := Payer{"1001", Limits{Calls: 2, DayMinutes: 60}}
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	c, _, _ := l.Begin(now, station)
	c.Answered(now)
	c.End(now.Add(time.Hour))
	_, why, who := l.Begin(now.Add(2*time.Hour), station)
	fmt.Println(why, who)
	// Output: day_minutes 1001
}
