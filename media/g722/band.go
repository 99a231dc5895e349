package g722

// A band is the adaptive part of one band, the same in coder and decoder (G.722
// 6.2.1.3 to 6.2.1.5): a predictor with two poles and six zeros, and the scale
// of the quantiser. Index 0 of r and p is the newest value.
type band struct {
	s, sz int32    // prediction, and its part from the zeros
	r     [2]int32 // reconstructed signal
	p     [2]int32 // partially reconstructed signal
	a     [2]int32 // coefficients of the poles, times 2^14
	d     [6]int32 // quantised differences
	b     [6]int32 // coefficients of the zeros, times 2^14
	nb    int32    // logarithm of the scale, base 2, times 2^11
	det   int32    // scale
}

// The smallest scales, where both ends begin.
const (
	detLow  = 32
	detHigh = 8
)

func sat(v int32) int32 { return min(max(v, -32768), 32767) }

// lowScale adapts the scale of the lower band to its four-bit code (LOGSCL, SCALEL).
func (b *band) lowScale(ril int32) { b.scale(wl[ril], 18432, 8) }

// highScale adapts the scale of the higher band to its code (LOGSCH, SCALEH).
func (b *band) highScale(ih int32) { b.scale(wh[ih], 22528, 10) }

func (b *band) scale(w, most, bits int32) {
	b.nb = min(max(b.nb*127>>7+w, 0), most)
	v := ilb[b.nb>>6&31]
	if shift := bits - b.nb>>11; shift >= 0 {
		v >>= shift
	} else {
		v <<= -shift
	}
	b.det = v << 2
}

// update moves the predictor on by the quantised difference d, and predicts the
// next sample.
func (b *band) update(d int32) {
	r := sat(b.s + d)
	p := sat(b.sz + d)
	b.poles(p)
	b.zeros(d)
	copy(b.d[1:], b.d[:5])
	b.d[0] = d
	b.r[1], b.r[0] = b.r[0], r
	b.p[1], b.p[0] = b.p[0], p

	sp := sat(b.a[0]*sat(2*b.r[0])>>15 + b.a[1]*sat(2*b.r[1])>>15) // FILTEP
	sz := int32(0)                                                 // FILTEZ
	for i, d := range b.d {
		sz += b.b[i] * sat(2*d) >> 15
	}
	b.sz = sat(sz)
	b.s = sat(sp + b.sz)
}

// poles adapts the coefficients of the poles (UPPOL2, UPPOL1) and keeps them
// stable.
func (b *band) poles(p int32) {
	same := p>>31 == b.p[0]>>31
	w := sat(4 * b.a[0])
	if same {
		w = min(-w, 32767)
	}
	a2 := w>>7 + b.a[1]*32512>>15
	if p>>31 == b.p[1]>>31 {
		a2 += 128
	} else {
		a2 -= 128
	}
	a2 = min(max(a2, -12288), 12288)
	a1 := b.a[0] * 32640 >> 15
	if same {
		a1 += 192
	} else {
		a1 -= 192
	}
	most := 15360 - a2
	b.a = [2]int32{min(max(a1, -most), most), a2}
}

// zeros adapts the coefficients of the zeros (UPZERO).
func (b *band) zeros(d int32) {
	step := int32(128)
	if d == 0 {
		step = 0
	}
	for i := range b.b {
		w := b.b[i] * 32640 >> 15
		if d>>31 == b.d[i]>>31 {
			b.b[i] = sat(w + step)
		} else {
			b.b[i] = sat(w - step)
		}
	}
}
