package metrics_test

import (
	"strings"
	"testing"

	"github.com/lineaamica/la2/cti"
)

func TestAudio(t *testing.T) {
	text := scrape(start(t, nil, []cti.Event{
		{Type: cti.EvOneWayAudio, Call: "C1", Leg: "C1/1"},
		{Type: cti.EvConnectionCleared, Call: "C1", Leg: "C1/1", Quality: &cti.Quality{Sent: 50}},
		{Type: cti.EvConnectionCleared, Call: "C1", Leg: "C1/2", Quality: &cti.Quality{Expected: 100, Lost: 3, JitterMS: 12, RoundTripMS: 40, MOS: 3.9}},
		{Type: cti.EvConnectionCleared, Call: "C1", Leg: "C1/3"},
	}))
	for _, want := range []string{
		`la2_rtp_one_way_total{side="caller"} 1`, `la2_rtp_one_way_total{side="called"} 0`,
		`la2_rtp_mos_bucket{side="called",le="3.6"} 0`, `la2_rtp_mos_bucket{side="called",le="4"} 1`, `la2_rtp_mos_count{side="called"} 1`,
		`la2_rtp_loss_ratio_sum{side="called"} 0.03`, `la2_rtp_jitter_seconds_sum{side="called"} 0.012`, `la2_rtp_round_trip_seconds_sum{side="called"} 0.04`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, `la2_rtp_mos_count{side="caller"}`) {
		t.Error("a leg that was never heard has an opinion score")
	}
}
