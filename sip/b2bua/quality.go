package b2bua

import (
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media/quality"
	"github.com/lineaamica/la2/media/relay"
)

// quality is what the stream is told of the audio of l; nil when none passed.
func (l *leg) quality(s relay.LegStats) *cti.Quality {
	if s.Received == 0 && s.Sent == 0 {
		return nil
	}
	q := &cti.Quality{
		Received: s.Received, Sent: s.Sent, ReceivedBytes: s.ReceivedBytes, SentBytes: s.SentBytes,
		Expected: s.Expected, Lost: s.Lost, Reordered: s.Reordered, FarLost: s.FarLost,
		JitterMS: ms(s.Jitter), FarJitterMS: ms(s.FarJitter), RoundTripMS: ms(s.RTT), OneWay: l.oneWay,
	}
	if s.Expected > 0 {
		q.R = quality.R(quality.Path{Loss: float64(s.Lost) / float64(s.Expected), Jitter: s.Jitter, RoundTrip: s.RTT})
		q.MOS = quality.MOS(q.R)
	}
	return q
}

func ms(d time.Duration) float64 { return float64(d/time.Microsecond) / 1000 }

// onOneWay tells the stream that an answered leg sends nothing.
func (c *Call) onOneWay(port relay.LegID) {
	for _, l := range c.legs {
		if l.open && l.port == port && l.talking() && !l.oneWay {
			l.oneWay = true
			if c.offered {
				c.publish(cti.Event{Type: cti.EvOneWayAudio, Leg: l.id, Device: l.device, Trunk: l.trunk})
			}
			return
		}
	}
}
