// Package g711 codes and decodes G.711 audio by table: 256 entries to decode, one
// for each 16-bit sample to encode, 256 to change law. The tables are filled once
// by New from github.com/zaf/g711; then nothing allocates. It knows neither RTP
// nor files, and owns no goroutine.
package g711

import (
	zaf "github.com/zaf/g711"

	"github.com/lineaamica/la2/media"
)

// Tables are the conversions of both laws, about 130 KB. They are immutable after
// New and safe for concurrent use; make them once.
type Tables struct {
	decodeA, decodeU [256]int16
	encodeA, encodeU [1 << 16]byte
	aToU, uToA       [256]byte
}

// New fills the tables, in about a millisecond.
func New() *Tables {
	t := &Tables{}
	for i := range 256 {
		b := byte(i)
		t.decodeA[i], t.decodeU[i] = zaf.DecodeAlawFrame(b), zaf.DecodeUlawFrame(b)
		t.aToU[i], t.uToA[i] = zaf.Alaw2UlawFrame(b), zaf.Ulaw2AlawFrame(b)
	}
	for i := range 1 << 16 {
		s := int16(uint16(i))
		t.encodeA[i], t.encodeU[i] = zaf.EncodeAlawFrame(s), zaf.EncodeUlawFrame(s)
	}
	return t
}

// Decode writes the 16-bit linear samples of src (in codec c) to dst and returns
// how many: the shorter of the two. Zero for a codec other than G.711.
func (t *Tables) Decode(c media.Codec, dst []int16, src []byte) int {
	var table *[256]int16
	switch c {
	case media.PCMA:
		table = &t.decodeA
	case media.PCMU:
		table = &t.decodeU
	default:
		return 0
	}
	n := min(len(dst), len(src))
	for i, b := range src[:n] {
		dst[i] = table[b]
	}
	return n
}

// Encode writes src in codec c to dst and returns how many bytes: the shorter of
// the two. Zero for a codec other than G.711.
func (t *Tables) Encode(c media.Codec, dst []byte, src []int16) int {
	var table *[1 << 16]byte
	switch c {
	case media.PCMA:
		table = &t.encodeA
	case media.PCMU:
		table = &t.encodeU
	default:
		return 0
	}
	n := min(len(dst), len(src))
	for i, s := range src[:n] {
		dst[i] = table[uint16(s)]
	}
	return n
}

// Map is the table from one law to the other, nil when there is nothing to do.
func (t *Tables) Map(from, to media.Codec) *[256]byte {
	switch {
	case from == media.PCMA && to == media.PCMU:
		return &t.aToU
	case from == media.PCMU && to == media.PCMA:
		return &t.uToA
	}
	return nil
}

// Transcode changes the law of b in place.
func (t *Tables) Transcode(b []byte, from, to media.Codec) {
	table := t.Map(from, to)
	if table == nil {
		return
	}
	for i, x := range b {
		b[i] = table[x]
	}
}
