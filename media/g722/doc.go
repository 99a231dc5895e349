// Package g722 codes and decodes wide-band speech (50 to 7,000 Hz, 16 kHz) by
// ITU-T Recommendation G.722 (11/88) at 64 kbit/s: a quadrature mirror filter
// splits the sound into two bands of 8 kHz, and an adaptive predictor with 6 bits
// codes the lower one, with 2 bits the higher.
//
//	16 kHz ─► QMF ─┬─ low  8 kHz ─► ADPCM 6 bits ─┐
//	               └─ high 8 kHz ─► ADPCM 2 bits ─┴► one byte each 125 us
//
// Since the lower band is a telephone channel of its own, EncodeNarrow and
// DecodeNarrow convert from and to 8 kHz without any resampling: one byte a
// sample, as in G.711, half the work and no delay.
//
// Names of blocks and variables are those of the Recommendation, section 6. The
// 56 and 48 kbit/s modes are left out: RTP knows 64 kbit/s alone (RFC 3551 4.5.2).
//
// Nothing allocates after NewEncoder and NewDecoder. A state belongs to one
// stream and one goroutine at a time; the package owns no goroutine.
package g722
