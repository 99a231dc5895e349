// Package dtmf reads and makes telephone events (RFC 4733), the keys of a
// telephone sent as RTP packets. It is pure: packets go in and come out as values,
// time is counted in packets; it owns no goroutine.
//
// The payload is four bytes (RFC 4733 2.3):
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     event     |E|R| volume    |          duration             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// One key of 100 ms as Generator makes it, a packet every 20 ms; T is the RTP
// timestamp at which the key went down and does not move:
//
//	packet     0    1    2    3    4    5    6    7 (none)
//	seq        n   n+1  n+2  n+3  n+4  n+5  n+6
//	timestamp  T    T    T    T    T    T    T
//	marker     1    0    0    0    0    0    0
//	end        0    0    0    0    1    1    1
//	duration  160  320  480  640  800  800  800
//
// Any of these packets may be lost, so Detector looks at the triple of SSRC,
// timestamp and event and neither at the marker nor at the end bit: the first
// packet with a new triple is a key, all others of it are the same key. The same
// key twice has two timestamps.
//
// Omitted: events other than the sixteen keys, and tones in the audio (in-band).
package dtmf
