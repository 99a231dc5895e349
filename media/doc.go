// Package media holds the two values that every part of the media plane shares:
// the codec of a stream and a clip of prepared frames. The parts themselves are
// the packages below it: sdp (offer/answer), relay (the packet path), g711, g722, dtmf,
// prompt, tone and wav. It imports nothing of ours and owns no goroutine.
package media
