package media

import "time"

// A Clip is a sound prepared for sending: 20 ms frames in each codec, so that
// playing it is one copy a frame. It is immutable and safe for concurrent use.
type Clip struct {
	name string
	a, u []byte // FrameSamples bytes a frame, equal length
	w    []byte // G.722, as long
}

// NewClip takes the sound coded as A-law, as mu-law and as G.722, of equal length;
// an unfinished last frame is filled with silence. It keeps none of the slices.
func NewClip(name string, alaw, mulaw, g722 []byte) *Clip {
	n := (max(len(alaw), len(mulaw), len(g722)) + FrameSamples - 1) / FrameSamples * FrameSamples
	return &Clip{name: name, a: fill(alaw, n, PCMA), u: fill(mulaw, n, PCMU), w: fill(g722, n, G722)}
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

// Frame is frame i, 0 <= i < Frames(), in codec k (A-law for none). The
// caller must not change it.
func (c *Clip) Frame(k Codec, i int) []byte {
	b := c.a
	switch k {
	case PCMU:
		b = c.u
	case G722:
		b = c.w
	}
	return b[i*FrameSamples : (i+1)*FrameSamples : (i+1)*FrameSamples]
}
