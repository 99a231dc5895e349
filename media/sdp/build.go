package sdp

import (
	"bytes"
	"strconv"

	"github.com/lineaamica/la2/media"
)

// Offer builds our offer, also one without an earlier description of the far end
// (late offer). All codecs of local are offered on their static payload types.
func Offer(local Local) []byte {
	b := appendHead(make([]byte, 0, 320), local)
	if len(local.Lines) == 0 {
		return appendOffer(b, local, local.profile())
	}
	done := false
	for _, l := range local.Lines {
		if l.Audio && !done {
			b, done = appendOffer(b, local, l.Proto), true
			continue
		}
		b = appendRefused(b, l)
	}
	if !done {
		b = appendOffer(b, local, local.profile())
	}
	return b
}

// profile is that of our first offer. RTP/AVP with keys is what telephones know as
// optional encryption: who does not understand answers without.
func (l Local) profile() string {
	if l.Policy == Require {
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

func (l Local) codecs() []media.Codec {
	if len(l.Codecs) == 0 {
		return []media.Codec{media.PCMA, media.PCMU}
	}
	return l.Codecs
}

func appendHead(b []byte, l Local) []byte {
	family := "IN IP4 "
	if l.Addr.Addr().Is6() && !l.Addr.Addr().Is4In6() {
		family = "IN IP6 "
	}
	b = append(b, "v=0\r\no=la2 "...)
	b = strconv.AppendUint(b, l.ID, 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, l.Version, 10)
	b = append(b, ' ')
	b = append(b, family...)
	b = l.Addr.Addr().Unmap().AppendTo(b)
	b = append(b, "\r\ns=-\r\nc="...)
	b = append(b, family...)
	b = l.Addr.Addr().Unmap().AppendTo(b)
	return append(b, "\r\nt=0 0\r\n"...)
}

func appendOffer(b []byte, l Local, proto string) []byte {
	codecs := l.codecs()
	b = appendMLine(b, l.Addr.Port(), proto)
	for _, c := range codecs {
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(c.PT()), 10)
	}
	event := uint8(EventPT)
	if l.NoDTMF {
		event = 0
	}
	b = appendPT(b, event)
	b = append(b, "\r\n"...)
	for _, c := range codecs {
		b = appendMap(b, c.PT(), c)
	}
	if l.Policy != Never {
		for i, s := range l.Secrets {
			b = appendCrypto(b, Crypto{tagOf(i), s})
		}
	}
	return appendTail(b, event, l.Direction)
}

func appendAnswer(b []byte, l Local, proto string, n Negotiated, key Crypto) []byte {
	b = appendMLine(b, l.Addr.Port(), proto)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(n.PT), 10)
	b = appendPT(b, n.DTMFPT)
	b = append(b, "\r\n"...)
	b = appendMap(b, n.PT, n.Codec)
	if key.Secret.Suite() != media.Plain {
		b = appendCrypto(b, key)
	}
	if n.RTCPMux {
		b = append(b, "a=rtcp-mux\r\n"...)
	}
	return appendTail(b, n.DTMFPT, n.Direction)
}

func appendMLine(b []byte, port uint16, proto string) []byte {
	b = append(b, "m=audio "...)
	b = strconv.AppendUint(b, uint64(port), 10)
	b = append(b, ' ')
	return append(b, proto...)
}

// appendPT adds the payload type of telephone-event to an m-line; 0 adds nothing.
func appendPT(b []byte, event uint8) []byte {
	if event == 0 {
		return b
	}
	return strconv.AppendUint(append(b, ' '), uint64(event), 10)
}

func appendMap(b []byte, pt uint8, c media.Codec) []byte {
	b = append(b, "a=rtpmap:"...)
	b = strconv.AppendUint(b, uint64(pt), 10)
	b = append(b, ' ')
	b = append(b, c.String()...)
	return append(b, "/8000\r\n"...)
}

func appendTail(b []byte, event uint8, d Direction) []byte {
	if event != 0 {
		b = append(b, "a=rtpmap:"...)
		b = strconv.AppendUint(b, uint64(event), 10)
		b = append(b, " telephone-event/8000\r\na=fmtp:"...)
		b = strconv.AppendUint(b, uint64(event), 10)
		b = append(b, " 0-15\r\n"...)
	}
	b = append(b, "a=ptime:20\r\na="...)
	b = append(b, d.String()...)
	return append(b, "\r\n"...)
}

// appendRefused adds l with port 0 (RFC 3264 6).
func appendRefused(b []byte, l Line) []byte {
	b = append(b, "m="...)
	b = append(b, l.Kind...)
	b = append(b, " 0 "...)
	b = append(b, l.Proto...)
	b = append(b, ' ')
	b = append(b, l.Formats...)
	return append(b, "\r\n"...)
}

// Same tells whether two descriptions of ours say the same, their version aside:
// then the far end must get the old version number (RFC 3264 8).
func Same(a, b []byte) bool {
	return bytes.Equal(withoutVersion(a), withoutVersion(b))
}

// withoutVersion cuts the third field out of o=.
func withoutVersion(b []byte) []byte {
	start := bytes.Index(b, []byte("\r\no="))
	if start < 0 {
		return b
	}
	end := bytes.Index(b[start+2:], []byte("\r\n"))
	if end < 0 {
		return b
	}
	line := b[start+2 : start+2+end]
	f := bytes.SplitN(line, []byte(" "), 4)
	if len(f) < 4 {
		return b
	}
	out := append([]byte(nil), b[:start]...)
	out = append(append(append(out, f[0]...), f[1]...), f[3]...)
	return append(out, b[start+2+end:]...)
}
