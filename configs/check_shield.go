package configs

import (
	"fmt"
	"slices"
	"time"
)

func checkShield(sip SIP, r report) {
	s := sip.Shield
	between(r, "sip.shield.rate", s.Rate, 1, 1_000_000)
	between(r, "sip.shield.known_rate", s.KnownRate, s.Rate, 1_000_000)
	between(r, "sip.shield.points", s.Points, 1, 100_000)
	duration(r, "sip.shield.ban", s.Ban, time.Second, 168*time.Hour)
	duration(r, "sip.shield.max_ban", s.MaxBan, s.Ban, 168*time.Hour)
	for i, name := range s.Signatures {
		if len(name) < 4 || len(name) > 64 {
			r(fmt.Sprintf("sip.shield.signatures[%d]", i), "want 4 to 64 characters: a shorter name would ban telephones")
		}
	}
	for i, a := range s.Access {
		if len(a.Allow)+len(a.Deny) == 0 {
			r(fmt.Sprintf("sip.shield.access[%d]", i), "want networks in allow or deny")
		}
		if at := a.Listen.Address; at.IsValid() && !slices.ContainsFunc(sip.Listen, func(l Listen) bool { return l.Address == at }) {
			r(fmt.Sprintf("sip.shield.access[%d].listen", i), fmt.Sprintf("%v is no listener of sip.listen: the list would guard nothing", at))
		}
	}
}
