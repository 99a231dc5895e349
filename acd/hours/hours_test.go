package hours

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests run where no zone files are
)

func calendar(t *testing.T, cfg Config) *Calendar {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rome(t *testing.T, s string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC() // as calls come
}

func TestLineaAmica(t *testing.T) {
	c := calendar(t, Config{Week: map[string]string{"mon-fri": "09:00-18:00"}, Holidays: "italy"})
	tests := []struct {
		at   string
		want Reason
		why  string
	}{
		{"2026-03-02 08:59:59", Closed, "before opening"},
		{"2026-03-02 09:00:00", Open, "opening"},
		{"2026-03-02 17:59:59", Open, "arrives before closing"},
		{"2026-03-02 18:00:00", Closed, "closing"},
		{"2026-03-07 10:00:00", Closed, "Saturday"},
		{"2026-03-08 10:00:00", Closed, "Sunday"},
		{"2026-04-05 10:00:00", Holiday, "Easter 2026"},
		{"2026-04-06 10:00:00", Holiday, "Easter Monday 2026"},
		{"2026-04-07 10:00:00", Open, "day after"},
		{"2027-03-29 10:00:00", Holiday, "Easter Monday 2027"},
		{"2026-01-01 10:00:00", Holiday, "Capodanno"},
		{"2026-01-06 10:00:00", Holiday, "Epifania"},
		{"2025-04-25 10:00:00", Holiday, "Liberazione"},
		{"2026-05-01 10:00:00", Holiday, "Lavoro"},
		{"2026-06-02 10:00:00", Holiday, "Repubblica"},
		{"2025-08-15 10:00:00", Holiday, "Ferragosto"},
		{"2027-10-04 10:00:00", Holiday, "San Francesco, a Monday"},
		{"2024-10-04 10:00:00", Open, "a Friday before the law"},
		{"2024-11-01 10:00:00", Holiday, "Ognissanti"},
		{"2025-12-08 10:00:00", Holiday, "Immacolata"},
		{"2025-12-25 10:00:00", Holiday, "Natale"},
		{"2025-12-26 10:00:00", Holiday, "Santo Stefano"},
		{"2024-11-04 10:00:00", Open, "suppressed in 1977"},
		{"2025-03-19 10:00:00", Open, "San Giuseppe, suppressed"},
		{"2026-03-27 09:00:00", Open, "winter time, UTC+1"},
		{"2026-03-30 09:00:00", Open, "summer time, UTC+2"},
		{"2026-03-30 08:30:00", Closed, "summer time, and not 09:30 of winter"},
		{"2026-10-23 17:59:59", Open, "last Friday of summer time"},
		{"2026-10-26 17:59:59", Open, "first Monday of winter time"},
		{"2026-10-26 18:00:00", Closed, "first Monday of winter time"},
	}
	for _, tt := range tests {
		if got := c.At(rome(t, tt.at)); got != tt.want {
			t.Errorf("%s (%s): got %q, want %q", tt.at, tt.why, got, tt.want)
		}
	}
}

// The days on which the clocks change have 23 and 25 hours.
func TestClockChangeDays(t *testing.T) {
	c := calendar(t, Config{Week: map[string]string{"sun": "01:00-04:00"}, Holidays: "none"})
	for day, want := range map[string]int{"2026-03-29": 2, "2026-10-25": 4, "2026-03-22": 3} {
		open := 0
		start := rome(t, day+" 00:00:00")
		for m := range 8 * 60 {
			if c.At(start.Add(time.Duration(m)*time.Minute)) == Open {
				open++
			}
		}
		if open != want*60 {
			t.Errorf("%s: open %d minutes, want %d", day, open, want*60)
		}
	}
}

func TestOtherCalendars(t *testing.T) {
	easyItalia := calendar(t, Config{Week: map[string]string{"mon-sun": "10:00-22:00"}, Holidays: "none"})
	sixDays := calendar(t, Config{Week: map[string]string{"mon-sat": "09:00-18:00"}})
	napoli := calendar(t, Config{Week: map[string]string{"mon-fri": "09:00-13:00, 15:00-18:00"}, Closed: []string{"09-19", "2025-03-03"}})
	weekend := calendar(t, Config{Week: map[string]string{"fri-mon": "00:00-24:00"}, Holidays: "none"})
	always := calendar(t, Config{Always: true})
	never := calendar(t, Config{Never: true, Week: map[string]string{"mon-sun": "00:00-24:00"}})
	tests := []struct {
		name string
		c    *Calendar
		at   string
		want Reason
	}{
		{"Easy Italia ignores holidays", easyItalia, "2026-04-05 21:59:59", Open},
		{"Easy Italia at 22", easyItalia, "2026-04-05 22:00:00", Closed},
		{"4 October 2025", sixDays, "2025-10-04 10:00:00", Open},
		{"4 October 2027", sixDays, "2027-10-04 10:00:00", Holiday},
		{"lunch", napoli, "2025-03-04 14:00:00", Closed},
		{"after lunch", napoli, "2025-03-04 15:00:00", Open},
		{"San Gennaro", napoli, "2025-09-19 10:00:00", Holiday},
		{"one day", napoli, "2025-03-03 10:00:00", Holiday},
		{"the same day a year later", napoli, "2026-03-03 10:00:00", Open},
		{"over the weekend", weekend, "2025-03-02 23:59:59", Open},
		{"not on Tuesday", weekend, "2025-03-04 12:00:00", Closed},
		{"always", always, "2025-12-25 03:00:00", Open},
		{"never", never, "2025-03-04 12:00:00", Closed},
	}
	for _, tt := range tests {
		if got := tt.c.At(rome(t, tt.at)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestEaster(t *testing.T) {
	for year, want := range map[int]string{
		1954: "04-18", 2000: "04-23", 2008: "03-23", 2011: "04-24", 2019: "04-21", 2024: "03-31", 2025: "04-20",
		2026: "04-05", 2027: "03-28", 2028: "04-16", 2038: "04-25", 2049: "04-18", 2076: "04-19", 2285: "03-22",
	} {
		m, d := Easter(year)
		if got := fmt.Sprintf("%02d-%02d", m, d); got != want {
			t.Errorf("%d: got %s, want %s", year, got, want)
		}
	}
	for year := 1900; year < 2300; year++ {
		m, d := Easter(year)
		day := time.Date(year, m, d, 0, 0, 0, 0, time.UTC)
		if day.Weekday() != time.Sunday || day.YearDay() < 81 || day.YearDay() > 116 {
			t.Errorf("%d: %v", year, day)
		}
	}
}

func TestFaults(t *testing.T) {
	err := Config{
		Always: true, Never: true,
		Week:     map[string]string{"lun": "09:00-18:00", "mon-": "09:00-18:00", "tue": "18:00-09:00", "wed": "9-18", "thu": "00:00-24:01"},
		Holidays: "france", Closed: []string{"19/09", "02-30", "2025-02-29"},
	}.Validate()
	for _, want := range []string{"always and never", `"lun"`, `"mon-"`, "tue", "wed", "thu", `"france"`, `"19/09"`, `"02-30"`, `"2025-02-29"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in: %v", want, err)
		}
	}
	if err := (Config{Closed: []string{"02-29"}}).Validate(); err != nil {
		t.Error(err)
	}
}

func ExampleCalendar_At() {
	c, err := New(Config{Week: map[string]string{"mon-fri": "09:00-18:00"}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%q\n", c.At(time.Date(2026, 3, 2, 16, 59, 0, 0, time.UTC)))
	fmt.Printf("%q\n", c.At(time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)))
	fmt.Printf("%q\n", c.At(time.Date(2026, 4, 6, 10, 0, 0, 0, time.UTC)))
	// Output:
	// ""
	// "hours"
	// "holiday"
}
