// Package hours tells whether a service is open.
//
// A Calendar is a weekly plan in local time (Europe/Rome) less the Italian
// public holidays (l. 260/1949, l. 54/1977, l. 151/2025: 4 October from 2026)
// and the days of the site, such as its patron saint. A caller who arrives
// before closing time is served, however long it then waits. Local time makes
// the days of the change of clocks right: 9 is 9 on the wall.
//
// The program must carry time zones: cmd imports time/tzdata. It omits
// overrides and h24 profiles. It starts no goroutine.
package hours

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Config is a weekly plan. The zero Config is always closed; Always and Never
// exclude each other.
type Config struct {
	Always bool // open at every instant, holidays included
	Never  bool // closed at every instant
	// Week maps a day or range of days (mon, mon-fri, sat-sun) to spans of local
	// time: "09:00-18:00", "09:00-13:00, 15:00-18:00". 24:00 is the end of the
	// day; a day named twice has the spans of both.
	Week map[string]string
	// Holidays is "italy" (default) or "none".
	Holidays string
	// Closed are further days, as MM-DD (every year) or YYYY-MM-DD.
	Closed []string
	// Location; default Europe/Rome.
	Location *time.Location
}

// Validate reports every fault of c.
func (c Config) Validate() error {
	_, err := New(c)
	return err
}

// Reason says why a service is closed.
type Reason string

const (
	Open    Reason = ""        // not closed
	Closed  Reason = "hours"   // outside the weekly plan
	Holiday Reason = "holiday" // a holiday or a day of the site
)

// A Calendar is an immutable plan; safe for concurrent use.
type Calendar struct {
	always   bool
	never    bool
	week     [7][]span // by time.Weekday
	holidays bool
	yearly   map[string]bool // MM-DD
	once     map[string]bool // YYYY-MM-DD
	zone     *time.Location
}

// A span is [from, to) in minutes of the wall clock since midnight.
type span struct{ from, to int }

// New makes a Calendar; its error names every fault.
func New(cfg Config) (*Calendar, error) {
	c := &Calendar{always: cfg.Always, never: cfg.Never, zone: cfg.Location, yearly: map[string]bool{}, once: map[string]bool{}}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("hours: "+format, args...)) }
	if cfg.Always && cfg.Never {
		fault("always and never: choose one")
	}
	for days, spans := range cfg.Week {
		if err := c.plan(days, spans); err != nil {
			errs = append(errs, err)
		}
	}
	switch cfg.Holidays {
	case "", "italy":
		c.holidays = true
	case "none":
	default:
		fault("holidays %q: want italy or none", cfg.Holidays)
	}
	for _, d := range cfg.Closed {
		switch {
		case isDate("2006-01-02", d):
			c.once[d] = true
		case isDate("2006-01-02", "2024-"+d): // a leap year: 02-29 is a day
			c.yearly[d] = true
		default:
			fault("closed day %q: want MM-DD or YYYY-MM-DD", d)
		}
	}
	if c.zone == nil {
		zone, err := time.LoadLocation("Europe/Rome")
		if err != nil {
			fault("time zone: %w", err)
		}
		c.zone = zone
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

func isDate(layout, s string) bool {
	t, err := time.Parse(layout, s)
	return err == nil && t.Format(layout) == s
}

// At is Open, or why it is closed at t.
func (c *Calendar) At(t time.Time) Reason {
	switch {
	case c.always:
		return Open
	case c.never:
		return Closed
	}
	t = t.In(c.zone)
	day := t.Format("2006-01-02")
	spans := c.week[t.Weekday()]
	if c.once[day] || c.yearly[day[5:]] || (c.holidays && PublicHoliday(t.Date())) {
		return Holiday
	}
	minute := t.Hour()*60 + t.Minute()
	for _, s := range spans {
		if minute >= s.from && minute < s.to {
			return Open
		}
	}
	return Closed
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func weekday(name string) (int, bool) {
	for i, d := range weekdays {
		if strings.EqualFold(strings.TrimSpace(name), d) {
			return i, true
		}
	}
	return 0, false
}

// plan adds spans to a day or a range of days, which may go over the weekend.
func (c *Calendar) plan(days, spans string) error {
	from, to, ranged := strings.Cut(days, "-")
	first, ok := weekday(from)
	last, ok2 := first, ok
	if ranged {
		last, ok2 = weekday(to)
	}
	if !ok || !ok2 {
		return fmt.Errorf("hours: day %q: want sun, mon, tue, wed, thu, fri, sat or a range of them", days)
	}
	var list []span
	for text := range strings.SplitSeq(spans, ",") {
		s, err := parseSpan(text)
		if err != nil {
			return fmt.Errorf("hours: %s: %w", days, err)
		}
		list = append(list, s)
	}
	for d := first; ; d = (d + 1) % 7 {
		c.week[d] = append(c.week[d], list...)
		if d == last {
			return nil
		}
	}
}

func parseSpan(text string) (span, error) {
	from, to, ok := strings.Cut(strings.TrimSpace(text), "-")
	a, okA := parseMinute(from)
	b, okB := parseMinute(to)
	if !ok || !okA || !okB || a >= b {
		return span{}, fmt.Errorf("%q: want HH:MM-HH:MM, the first before the second", text)
	}
	return span{a, b}, nil
}

func parseMinute(s string) (int, bool) {
	h, m, ok := strings.Cut(strings.TrimSpace(s), ":")
	if !ok || len(h) != 2 || len(m) != 2 {
		return 0, false
	}
	hour, err := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if err != nil || err2 != nil || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, false
	}
	return hour*60 + minute, true
}
