package b2bua

import (
	"testing"
	"time"

	"github.com/lineaamica/la2/media/relay"
)

func TestQuality(t *testing.T) {
	l := &leg{oneWay: true}
	if q := l.quality(relay.LegStats{RTCP: 5}); q != nil {
		t.Errorf("a leg without audio: %+v", q)
	}
	q := l.quality(relay.LegStats{Received: 950, Sent: 900, Expected: 1000, Lost: 50, Jitter: 1500 * time.Microsecond, RTT: 40 * time.Millisecond, FarLost: 7})
	if q == nil || q.Lost != 50 || q.JitterMS != 1.5 || q.RoundTripMS != 40 || q.FarLost != 7 || !q.OneWay || q.R < 75 || q.R > 77 || q.MOS < 3.8 || q.MOS > 3.95 {
		t.Errorf("got %+v", q)
	}
	if q := l.quality(relay.LegStats{Sent: 900}); q == nil || q.R != 0 || q.MOS != 0 {
		t.Errorf("of a far end that was never heard: %+v", q)
	}
}
