package siptest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// An SDP is an audio description: what this package offers and reads (RFC 4566, RFC 3264).
type SDP struct {
	Addr      netip.AddrPort // where RTP is received; port 0 refuses the stream
	Payloads  []int          // RTP payload types in order of preference; nil writes 8, 0
	DTMF      int            // payload type of telephone-event; 0 none
	Direction string         // sendrecv, sendonly, recvonly, inactive; "" is sendrecv
	Version   int            // of the o= line
}

// String writes the body.
func (s SDP) String() string {
	var b strings.Builder
	ip := "IP4"
	if s.Addr.Addr().Is6() {
		ip = "IP6"
	}
	pts := s.Payloads
	if pts == nil {
		pts = []int{8, 0}
	}
	fmt.Fprintf(&b, "v=0\r\no=ua 1 %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d RTP/AVP",
		s.Version+1, ip, s.Addr.Addr(), ip, s.Addr.Addr(), s.Addr.Port())
	for _, pt := range pts {
		fmt.Fprintf(&b, " %d", pt)
	}
	if s.DTMF > 0 {
		fmt.Fprintf(&b, " %d", s.DTMF)
	}
	b.WriteString("\r\n")
	for _, pt := range pts {
		if name, ok := map[int]string{0: "PCMU", 8: "PCMA", 9: "G722"}[pt]; ok {
			fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", pt, name)
		}
	}
	if s.DTMF > 0 {
		fmt.Fprintf(&b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", s.DTMF, s.DTMF)
	}
	dir := s.Direction
	if dir == "" {
		dir = "sendrecv"
	}
	fmt.Fprintf(&b, "a=ptime:20\r\na=%s\r\n", dir)
	return b.String()
}

// ParseSDP reads the first audio stream of a body; ok is false when there is none.
func ParseSDP(b []byte) (s SDP, ok bool) {
	s.Direction = "sendrecv"
	var addr netip.Addr
	port := 0
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if k == "m" && ok {
			break
		}
		f := strings.Fields(v)
		switch {
		case k == "o" && len(f) > 2:
			s.Version, _ = strconv.Atoi(f[2]) // a number beyond int is not compared
		case k == "c" && len(f) == 3:
			addr, _ = netip.ParseAddr(f[2]) // the zero Addr says that it is no number
		case k == "m" && len(f) > 3 && f[0] == "audio":
			ok = true
			port, _ = strconv.Atoi(f[1]) // 0 refuses
			for _, pt := range f[3:] {
				n, _ := strconv.Atoi(pt) // a type that is no number reads as 0
				s.Payloads = append(s.Payloads, n)
			}
		case k == "a":
			s.attribute(v)
		}
	}
	s.Addr = netip.AddrPortFrom(addr, uint16(port))
	return s, ok
}

func (s *SDP) attribute(v string) {
	switch v {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		s.Direction = v
	}
	if rest, ok := strings.CutPrefix(v, "rtpmap:"); ok {
		pt, name, _ := strings.Cut(rest, " ")
		if strings.HasPrefix(strings.ToLower(name), "telephone-event/") {
			s.DTMF, _ = strconv.Atoi(pt) // 0 is none
		}
	}
}

// answer mirrors the offer's direction (RFC 3264 6.1) on our address.
func (s SDP) answer(offer SDP) SDP {
	switch offer.Direction {
	case "sendonly":
		s.Direction = "recvonly"
	case "recvonly":
		s.Direction = "sendonly"
	case "inactive":
		s.Direction = "inactive"
	}
	s.Payloads = nil
	for _, pt := range offer.Payloads {
		if pt == 8 || pt == 0 {
			s.Payloads = append(s.Payloads, pt)
		}
	}
	s.DTMF = offer.DTMF
	return s
}
