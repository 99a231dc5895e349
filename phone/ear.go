package phone

import (
	"math"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/tone"
)

// blocksToTell is how many blocks of 100 ms must agree before a change is told,
// so that a pause between two words is no event.
const blocksToTell = 4

// sameHz is how far apart two readings of one tone may be.
const sameHz = 15

// An ear turns samples into an event each time what it hears changes, and every
// five seconds while it stays. Owned by the reader of a call.
type ear struct {
	meter  *tone.Meter
	told   Event
	next   Event
	agree  int
	blocks int // since told
}

func newEar() *ear { return &ear{meter: tone.NewMeter()} }

// push returns the last event that the samples complete.
func (e *ear) push(pcm []int16) (out Event, changed bool) {
	e.meter.Push(pcm, func(r tone.Reading) {
		if ev, ok := e.block(r); ok {
			out, changed = ev, true
		}
	})
	return out, changed
}

func (e *ear) block(r tone.Reading) (Event, bool) {
	ev := Event{Event: "audio", Hears: r.Kind.String(), DBFS: int(math.Round(r.DBFS))}
	if r.Kind == tone.Tone {
		ev.Hz = int(math.Round(r.Hz))
	}
	e.blocks++
	if !same(ev, e.next) {
		e.next, e.agree = ev, 0
	}
	e.agree++
	news := e.agree == blocksToTell && !same(e.next, e.told)
	if !news && (e.blocks < 50 || !same(ev, e.told)) {
		return Event{}, false
	}
	e.told, e.blocks = ev, 0
	return ev, true
}

func same(a, b Event) bool {
	return a.Hears == b.Hears && math.Abs(float64(a.Hz-b.Hz)) <= sameHz
}

// Tone is one second of a steady tone at -20 dBFS, to be said over and over; hz
// should be a whole number so that it joins without a click.
func Tone(hz float64) []int16 {
	out := make([]int16, media.ClockRate)
	tone.NewGenerator(hz, -20).Read(out)
	return out
}
