package configs

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func checkQueues(c *Config, n names, r report) {
	for i, q := range c.Queues {
		p := fmt.Sprintf("queues[%d].", i)
		optional(r, p+"ring", q.Ring, 5*time.Second, 2*time.Minute)
		optional(r, p+"wrap_up", q.WrapUp, time.Second, 10*time.Minute)
		optional(r, p+"announce", q.Announce, 10*time.Second, 10*time.Minute)
		optional(r, p+"lease", q.Lease, 10*time.Second, 10*time.Minute)
		if q.Max < 0 {
			r(p+"max_waiting", "want 0 (no limit) or more")
		}
		if q.Overflow.Trunk == "" {
			continue
		}
		refer(r, p+"overflow.trunk", q.Overflow.Trunk, "trunk", n.trunks)
		if slices.ContainsFunc(c.Trunks, func(t Trunk) bool { return t.Name == q.Overflow.Trunk && t.Site == "" }) {
			r(p+"overflow.trunk", fmt.Sprintf("%q is a carrier: callers overflow to offices of the network, where it costs nothing", q.Overflow.Trunk))
		}
		optional(r, p+"overflow.after", q.Overflow.After, time.Second, time.Hour)
		if q.Overflow.Number == "" {
			r(p+"overflow.number", "is required: the number of the other office's service")
		}
	}
	for i, k := range c.Calendars {
		checkCalendar(fmt.Sprintf("calendars[%d].", i), k, r)
	}
}

func checkCalendar(p string, k Calendar, r report) {
	if k.Always && k.Never {
		r(p+"never", "always and never contradict each other")
	}
	for day, hours := range k.Week {
		first, last, _ := strings.Cut(day, "-")
		if !slices.Contains(weekdays, first) || (last != "" && !slices.Contains(weekdays, last)) {
			r(p+"week."+day, "want a day or a range of days: mon, tue, wed, thu, fri, sat, sun, as in mon-fri")
		}
		for span := range strings.SplitSeq(hours, ",") {
			span = strings.TrimSpace(span)
			if !hourForm.MatchString(span) || span[:5] >= span[6:] {
				r(p+"week."+day, fmt.Sprintf("%q is no span of hours; write for example 09:00-18:00 or 09:00-13:00, 15:00-18:00", span))
			}
		}
	}
	oneOf(r, p+"holidays", k.Holidays, "", "italy", "none")
	for i, d := range k.Closed {
		_, everyYear := time.Parse("2006-01-02", "2024-"+d) // a leap year
		_, once := time.Parse("2006-01-02", d)
		if everyYear != nil && once != nil {
			r(fmt.Sprintf("%sclosed_days[%d]", p, i), fmt.Sprintf("%q is no day; want MM-DD, such as 09-19, or YYYY-MM-DD", d))
		}
	}
}

func checkServices(c *Config, n names, r report) {
	for i, m := range c.Menus {
		p := fmt.Sprintf("menus[%d].", i)
		if m.Prompt == "" {
			r(p+"prompt", "is required: the name of the prompt that reads the choices")
		}
		for j, ch := range m.Choices {
			q := fmt.Sprintf("%schoices[%d].", p, j)
			if len(ch.Key) != 1 || !strings.Contains("0123456789*#", ch.Key) {
				r(q+"key", "want one key of 0 to 9, * or #")
			}
			if ch.Queue != "" {
				refer(r, q+"queue", ch.Queue, "queue", n.queues)
			}
		}
	}
	taken := map[string]string{}
	for i, s := range c.Services {
		p := fmt.Sprintf("services[%d].", i)
		form(r, p+"name", s.Name, nameForm)
		refer(r, p+"queue", s.Queue, "queue", n.queues)
		if s.Calendar != "" {
			refer(r, p+"calendar", s.Calendar, "calendar", n.calendars)
		}
		if s.Menu != "" {
			refer(r, p+"menu", s.Menu, "menu", n.menus)
		}
		if len(s.Numbers) == 0 {
			r(p+"numbers", "is required: what people dial")
		}
		for j, num := range s.Numbers {
			if by, twice := taken[num]; twice {
				r(fmt.Sprintf("%snumbers[%d]", p, j), fmt.Sprintf("%s already reaches service %s", num, by))
			}
			taken[num] = s.Name
		}
	}
}

func optional(r report, path string, value, lo, hi time.Duration) {
	if value != 0 {
		duration(r, path, value, lo, hi)
	}
}
