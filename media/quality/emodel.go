// Package quality estimates how speech sounded from what was measured on its way.
package quality

import "time"

// A Path is what a stream of G.711 went through.
type Path struct {
	Loss      float64       // share of the packets that did not come, 0 to 1
	Jitter    time.Duration // RFC 3550 6.4.1
	RoundTrip time.Duration // 0: not measured
}

// Constants of the E-model for G.711.
const (
	best       = 93.2 // R of a connection without fault (ITU-T G.107, default values)
	robustness = 25.1 // Bpl: packet loss concealment, random loss (ITU-T G.113 Appendix I)
	packet     = 20 * time.Millisecond
)

// R is the transmission rating of ITU-T G.107, 0 to 93.2 here, simplified to what a relay can
// measure: R = 93.2 - Id - Ie,eff with
//
//	Ie,eff = 95 * Ppl / (Ppl + Bpl)        loss in percent, Ie = 0, BurstR = 1 (G.107, 7.5)
//	Id = 0.024 d + 0.11 (d - 177.3)        the second term above 177.3 ms only
//
// where d is the delay from mouth to ear in ms: half the round trip, one packet of 20 ms, and
// a jitter buffer of twice the jitter. Id is the piecewise approximation of Cole and
// Rosenbluth, "Voice over IP performance monitoring", 2001. Echo and noise are at their
// defaults. For wide-band codecs it says what G.711 would have been on that path.
func R(p Path) float64 {
	loss := 100 * min(max(p.Loss, 0), 1)
	d := float64(p.RoundTrip/2+packet+2*p.Jitter) / float64(time.Millisecond)
	r := best - 95*loss/(loss+robustness) - 0.024*d
	if d > 177.3 {
		r -= 0.11 * (d - 177.3)
	}
	return max(r, 0)
}

// MOS is the mean opinion score that R stands for, 1 to 4.5 (ITU-T G.107 Annex B).
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
