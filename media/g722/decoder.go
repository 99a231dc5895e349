package g722

// A Decoder is the state of one decoded stream; make it with NewDecoder. Every
// byte is a valid code: there are no errors.
type Decoder struct {
	low, high band
	x         [24]int32 // input of the filter, the newest last
}

// NewDecoder begins a stream.
func NewDecoder() *Decoder {
	return &Decoder{low: band{det: detLow}, high: band{det: detHigh}}
}

// Decode writes the sound of src (16-bit linear, 16 kHz) to dst, two samples a
// byte, and returns how many samples: as many as both have room for.
func (d *Decoder) Decode(dst []int16, src []byte) int {
	n := min(len(dst)/2, len(src))
	for i, c := range src[:n] {
		rl, rh := d.decodeLow(c), d.decodeHigh(c)
		copy(d.x[:], d.x[2:])
		d.x[22], d.x[23] = rl+rh, rl-rh
		var a, b int32
		for k, h := range qmf { // receive QMF, 5.2.2
			a += d.x[2*k] * h
			b += d.x[2*k+1] * qmf[11-k]
		}
		dst[2*i], dst[2*i+1] = int16(sat(b>>11)), int16(sat(a>>11))
	}
	return 2 * n
}

// DecodeNarrow writes the lower band of src (16-bit linear, 8 kHz) to dst, one
// sample a byte, and returns how many: the shorter of the two. A stream may not be
// given to Decode afterwards: the higher band has not followed.
func (d *Decoder) DecodeNarrow(dst []int16, src []byte) int {
	n := min(len(dst), len(src))
	for i, c := range src[:n] {
		dst[i] = int16(sat(2 * d.decodeLow(c)))
	}
	return n
}

// decodeLow is the next sample of the lower band, of 15 bits.
func (d *Decoder) decodeLow(code byte) int32 {
	b, il := &d.low, int32(code&0x3f)
	r := limit(b.s + b.det*qm6[il]>>15)
	ril := il >> 2
	diff := b.det * qm4[ril] >> 15
	b.lowScale(ril)
	b.update(diff)
	return r
}

// decodeHigh is the next sample of the higher band, of 15 bits.
func (d *Decoder) decodeHigh(code byte) int32 {
	b, ih := &d.high, int32(code>>6)
	diff := b.det * qm2[ih] >> 15
	r := limit(b.s + diff)
	b.highScale(ih)
	b.update(diff)
	return r
}

// limit keeps a sample to 15 bits (LIMIT).
func limit(v int32) int32 { return min(max(v, -16384), 16383) }
