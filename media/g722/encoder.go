package g722

// An Encoder is the state of one coded stream; make it with NewEncoder.
type Encoder struct {
	low, high band
	x         [24]int32 // input of the filter, the newest last
}

// NewEncoder begins a stream.
func NewEncoder() *Encoder {
	return &Encoder{low: band{det: detLow}, high: band{det: detHigh}}
}

// Encode writes the code of src (16-bit linear, 16 kHz) to dst, one byte for two
// samples, and returns how many: as many as both have room for. A last odd sample
// is left out.
func (e *Encoder) Encode(dst []byte, src []int16) int {
	n := min(len(dst), len(src)/2)
	for i := range n {
		copy(e.x[:], e.x[2:])
		e.x[22], e.x[23] = int32(src[2*i]), int32(src[2*i+1])
		var a, b int32
		for k, h := range qmf { // transmit QMF, 5.2.1
			a += e.x[2*k] * h
			b += e.x[2*k+1] * qmf[11-k]
		}
		dst[i] = e.code((b+a)>>14, (b-a)>>14)
	}
	return n
}

// EncodeNarrow writes the code of src (16-bit linear, 8 kHz) to dst, one byte a
// sample, and returns how many: the shorter of the two. The higher band is silent.
func (e *Encoder) EncodeNarrow(dst []byte, src []int16) int {
	n := min(len(dst), len(src))
	for i, x := range src[:n] {
		dst[i] = e.code(int32(x)>>1, 0)
	}
	return n
}

// code quantises one sample of each band, of 15 bits.
func (e *Encoder) code(xl, xh int32) byte {
	l, h := &e.low, &e.high
	il := quantLow(sat(xl-l.s), l.det)
	ril := il >> 2
	d := l.det * qm4[ril] >> 15
	l.lowScale(ril)
	l.update(d)

	ih := quantHigh(sat(xh-h.s), h.det)
	d = h.det * qm2[ih] >> 15
	h.highScale(ih)
	h.update(d)
	return byte(ih<<6 | il)
}

// quantLow is the six-bit code of the difference e in the lower band (QUANTL):
// codes fall with its size, from 61 and 63 down.
func quantLow(e, det int32) int32 {
	size := e
	if e < 0 {
		size = -e - 1
	}
	m := int32(1)
	for m < 30 && size >= q6[m]*det>>12 {
		m++
	}
	switch {
	case e >= 0:
		return 62 - m
	case m <= 2:
		return 64 - m
	}
	return 34 - m
}

// quantHigh is the two-bit code of the difference e in the higher band (QUANTH).
func quantHigh(e, det int32) int32 {
	size := e
	if e < 0 {
		size = -e - 1
	}
	far := size >= 564*det>>12
	switch {
	case e < 0 && far:
		return 0
	case e < 0:
		return 1
	case far:
		return 2
	}
	return 3
}
