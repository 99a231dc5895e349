package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti/server"
)

// Who is banned stands below the trunks, with all that an operator asks; without bans nothing does.
func TestStatusShowsBans(t *testing.T) {
	s := server.Status{Site: server.Site{IPA: "formezpa", Name: "Formez PA"}, Trunks: []server.TrunkStatus{{Name: "napoli", Up: true, Calls: 2}}}
	var out strings.Builder
	if printStatus(&out, s); strings.Contains(out.String(), "BANNED") {
		t.Errorf("without bans:\n%s", out.String())
	}
	since := time.Date(2026, 3, 1, 8, 0, 0, 0, time.Local)
	s.Bans = []server.BanStatus{
		{Source: "203.0.113.5/32", Reason: "scanner", Since: since, Until: since.Add(4 * time.Minute), Times: 2, Dropped: 1417},
		{Source: "2001:db8::/64", Reason: "wrong passwords", Since: since, Until: since.Add(time.Minute), Times: 1},
	}
	out.Reset()
	printStatus(&out, s)
	for _, want := range []string{
		"BANNED         REASON           SINCE                UNTIL                TIMES  DROPPED",
		"203.0.113.5    scanner          2026-03-01 08:00:00  2026-03-01 08:04:00  2      1417",
		"2001:db8::/64  wrong passwords  2026-03-01 08:00:00  2026-03-01 08:01:00  1      0",
	} {
		if !strings.Contains(out.String(), want+"\n") {
			t.Errorf("no line\n%s\nin\n%s", want, out.String())
		}
	}
}
