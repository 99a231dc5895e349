// Package hours tells whether a service is open.
//
// A Calendar is a weekly plan in local time (Europe/Rome) less the Italian
// public holidays (DOMAIN: Easter by computus, 4 October from 2026) and the days
// of the site. A caller who arrives before closing time is served. The program
// must carry time zones: cmd imports time/tzdata. It starts no goroutine.
package hours

import "time"

// Config is a weekly plan. The zero Config is always closed; Always and Never
// exclude each other.
type Config struct {
	Always bool // open at every instant, holidays included
	Never  bool // closed at every instant
	// Week maps a day or range of days (mon, mon-fri) to spans of local time:
	// "09:00-18:00", "09:00-13:00, 15:00-18:00". 24:00 is the end of the day.
	Week map[string]string
	// Holidays is "italy" (default) or "none".
	Holidays string
	// Closed are further days, as MM-DD (every year) or YYYY-MM-DD.
	Closed []string
	// Location; default Europe/Rome.
	Location *time.Location
}

// Validate reports every fault of c.
func (c Config) Validate() error { return nil }

// Reason says why a service is closed.
type Reason string

const (
	Open    Reason = ""        // not closed
	Closed  Reason = "hours"   // outside the weekly plan
	Holiday Reason = "holiday" // a holiday or a day of the site
)

// A Calendar is an immutable plan; safe for concurrent use.
type Calendar struct{}

// New makes a Calendar.
func New(cfg Config) (*Calendar, error) { return &Calendar{}, nil }

// At is Open, or why it is closed at t.
func (c *Calendar) At(t time.Time) Reason { return Open }
