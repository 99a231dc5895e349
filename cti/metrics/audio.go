package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaamica/la2/cti"
)

// audio are the figures of the audio of legs as they leave, by side: "caller" or "called".
type audio struct {
	mos, loss, jitter, roundTrip *prometheus.HistogramVec
	oneWay                       *prometheus.CounterVec
}

func newAudio() *audio {
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"side"})
	}
	a := &audio{
		mos:       histogram("la2_rtp_mos", "Estimated opinion score of what was heard of a leg.", 1, 2, 2.6, 3.1, 3.6, 4, 4.3, 4.5),
		loss:      histogram("la2_rtp_loss_ratio", "Share of the packets of a leg that did not come.", 0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
		jitter:    histogram("la2_rtp_jitter_seconds", "Jitter of what came from a leg, at its end.", 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1),
		roundTrip: histogram("la2_rtp_round_trip_seconds", "Last round trip to the far end of a leg.", 0.005, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1),
		oneWay: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "la2_rtp_one_way_total",
			Help: "Answered legs that sent no audio within 3 s."}, []string{"side"}),
	}
	for _, side := range []string{"caller", "called"} {
		a.oneWay.WithLabelValues(side)
	}
	return a
}

func (a *audio) collectors() []prometheus.Collector {
	return []prometheus.Collector{a.mos, a.loss, a.jitter, a.roundTrip, a.oneWay}
}

// count takes ConnectionCleared and OneWayAudio.
func (a *audio) count(ev cti.Event) {
	side := "called"
	if strings.HasSuffix(string(ev.Leg), "/1") {
		side = "caller"
	}
	if ev.Type == cti.EvOneWayAudio {
		a.oneWay.WithLabelValues(side).Inc()
	}
	q := ev.Quality
	if q == nil || q.Expected == 0 {
		return
	}
	a.mos.WithLabelValues(side).Observe(q.MOS)
	a.loss.WithLabelValues(side).Observe(float64(q.Lost) / float64(q.Expected))
	a.jitter.WithLabelValues(side).Observe(q.JitterMS / 1000)
	if q.RoundTripMS > 0 {
		a.roundTrip.WithLabelValues(side).Observe(q.RoundTripMS / 1000)
	}
}
