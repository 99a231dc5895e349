package media

import "time"

// A Clip is a sound prepared for sending: 20 ms frames in both laws, so that
// playing it is one copy a frame. G.722 is not prepared: its decoder carries the
// past on, and a frame that was coded after another past is heard as a click. It is immutable and safe for concurrent use.
type Clip struct {
	name string
	a, u []byte  // FrameSamples bytes a frame, equal length
	wide []int16 // the same at WideRate, nil when there is no more in it
}

// NewClip takes the sound coded as A-law and as mu-law, of equal length, and as
// linear samples at WideRate, nil when it was recorded for less; an unfinished last
// frame is filled with silence. It keeps none of the slices.
func NewClip(name string, alaw, mulaw []byte, wide []int16) *Clip {
	n := (max(len(alaw), len(mulaw)) + FrameSamples - 1) / FrameSamples * FrameSamples
	c := &Clip{name: name, a: fill(alaw, n, PCMA), u: fill(mulaw, n, PCMU)}
	if wide != nil {
		c.wide = make([]int16, n*WideRate/ClockRate)
		copy(c.wide, wide)
	}
	return c
}

func fill(b []byte, n int, c Codec) []byte {
	out := make([]byte, n)
	for i := copy(out, b); i < n; i++ {
		out[i] = c.Silence()
	}
	return out
}

// Name is the name of the prompt, for logs.
func (c *Clip) Name() string { return c.name }

// Frames is the number of 20 ms frames.
func (c *Clip) Frames() int { return len(c.a) / FrameSamples }

// Duration is the playing time, a multiple of Ptime.
func (c *Clip) Duration() time.Duration { return time.Duration(c.Frames()) * Ptime }

// Frame is frame i, 0 <= i < Frames(), in codec k (A-law unless k is PCMU). The
// caller must not change it.
func (c *Clip) Frame(k Codec, i int) []byte {
	b := c.a
	if k == PCMU {
		b = c.u
	}
	return b[i*FrameSamples : (i+1)*FrameSamples : (i+1)*FrameSamples]
}

// Wide is frame i, 0 <= i < Frames(), as linear samples at WideRate; nil when the
// clip has nothing above 4 kHz. The caller must not change it.
func (c *Clip) Wide(i int) []int16 {
	if c.wide == nil {
		return nil
	}
	const n = FrameSamples * WideRate / ClockRate
	return c.wide[i*n : (i+1)*n : (i+1)*n]
}
