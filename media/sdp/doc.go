// Package sdp is the offer/answer view (RFC 3264) of a session description (RFC
// 8866) for one audio stream: it knows neither SIP nor RTP. Descriptions of others
// are read tolerantly, by pion/sdp after tidying where needed; ours are built by
// appending bytes.
//
// It answers RTP/AVP and RTP/AVPF audio with G.711, G.722 and telephone-event (RFC 4733)
// and refuses every other m-line with port 0 (RFC 3264 6). By policy it takes and
// offers SRTP with the keys in the description (RFC 4568). It omits, for now:
// DTLS-SRTP, ICE, rtcp-mux, other codecs, text.
//
// It is pure and owns no goroutine.
package sdp
