package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	pion "github.com/pion/sdp/v3"

	"github.com/lineaamica/la2/media"
)

// Parse reads a description. What is merely unusual (order of lines, bare LF,
// missing s= or t=, odd attributes) is accepted. Errors are ErrSyntax and
// ErrTooLarge. A description without usable audio is not an error here: then
// Audio.Addr is zero and Answer and Accept return ErrIncompatible.
func Parse(b []byte) (*Session, error) {
	if len(b) > MaxBody {
		return nil, fmt.Errorf("sdp: %d bytes: %w", len(b), ErrTooLarge)
	}
	text := string(b)
	if n := strings.Count(text, "\nm="); n > MaxLines {
		return nil, fmt.Errorf("sdp: %d m-lines: %w", n, ErrTooLarge)
	}
	var d pion.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		d = pion.SessionDescription{}
		if err := d.UnmarshalString(tidy(text)); err != nil {
			return nil, fmt.Errorf("sdp: %w: %w", ErrSyntax, err)
		}
	}
	s := &Session{
		ID:      strconv.FormatUint(d.Origin.SessionID, 10),
		Version: strconv.FormatUint(d.Origin.SessionVersion, 10),
		Lines:   lines(text),
	}
	if len(s.Lines) != len(d.MediaDescriptions) {
		return nil, fmt.Errorf("sdp: %w: %d m-lines read as %d", ErrSyntax, len(s.Lines), len(d.MediaDescriptions))
	}
	common := SendRecv
	for _, a := range d.Attributes {
		common = directionOf(a.Key, common)
	}
	for i, m := range d.MediaDescriptions {
		l := s.Lines[i]
		if port := m.MediaName.Port.Value; !usable(l.Kind, l.Proto) || port < 1 || port > 65535 {
			continue
		}
		if a, ok := audio(m, d.ConnectionInformation, common); ok {
			a.line, a.SAVP = i, secureProfile(l.Proto)
			s.streams = append(s.streams, a)
		}
	}
	s.Choose(Never)
	return s, nil
}

func directionOf(key string, old Direction) Direction {
	switch key {
	case "sendrecv":
		return SendRecv
	case "sendonly":
		return SendOnly
	case "recvonly":
		return RecvOnly
	case "inactive":
		return Inactive
	}
	return old
}

// audio reads one usable audio m-line; false when it names no numeric address.
func audio(m *pion.MediaDescription, conn *pion.ConnectionInformation, common Direction) (Media, bool) {
	if m.ConnectionInformation != nil {
		conn = m.ConnectionInformation
	}
	if conn == nil || conn.Address == nil {
		return Media{}, false
	}
	host, _, _ := strings.Cut(conn.Address.Address, "/")
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" || ip.IsMulticast() {
		return Media{}, false
	}
	ip = ip.Unmap()
	out := Media{
		Addr:      netip.AddrPortFrom(ip, uint16(m.MediaName.Port.Value)),
		Direction: common,
		Hold:      ip.IsUnspecified(),
	}
	maps := make(map[string]string, len(m.Attributes))
	for _, a := range m.Attributes {
		out.Direction = directionOf(a.Key, out.Direction)
		switch a.Key {
		case "rtpmap":
			if pt, what, ok := strings.Cut(strings.TrimSpace(a.Value), " "); ok && maps[pt] == "" {
				maps[pt] = strings.TrimSpace(what)
			}
		case "ptime":
			if ms, err := strconv.ParseFloat(strings.TrimSpace(a.Value), 64); err == nil && ms >= 1 && ms <= 200 {
				out.Ptime = time.Duration(ms * float64(time.Millisecond))
			}
		case "crypto":
			if c, ok := crypto(a.Value); ok && len(out.Crypto) < maxCrypto {
				out.Crypto = append(out.Crypto, c)
			} else {
				out.refused = true
			}
		case "rtcp":
			port, host, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
			if n, err := strconv.ParseUint(port, 10, 16); err == nil && (host == "" || strings.HasSuffix(host, " "+ip.String())) {
				out.RTCP = uint16(n)
			}
		case "rtcp-mux":
			out.RTCPMux = true
		}
	}
	for _, f := range m.MediaName.Formats {
		out.add(f, maps[f])
	}
	return out, true
}

// add takes format f of the m-line with its rtpmap value, "" when it has none.
func (m *Media) add(f, rtpmap string) {
	pt, err := strconv.ParseUint(f, 10, 7)
	if err != nil {
		return
	}
	if rtpmap == "" {
		switch pt {
		case 0:
			rtpmap = "PCMU/8000"
		case 8:
			rtpmap = "PCMA/8000"
		case 9:
			rtpmap = "G722/8000"
		}
	}
	name, rest, _ := strings.Cut(rtpmap, "/")
	clock, channels, _ := strings.Cut(rest, "/")
	rate, _ := strconv.Atoi(clock)
	plain := rate == media.ClockRate && (channels == "" || channels == "1")
	if strings.EqualFold(name, "telephone-event") {
		if plain && m.DTMF == 0 {
			m.DTMF = uint8(pt)
		}
		return
	}
	m.Noise = m.Noise || pt == 13
	format := Format{PT: uint8(pt), Name: name, Rate: rate}
	switch {
	case plain && strings.EqualFold(name, "PCMA"):
		format.Codec = media.PCMA
	case plain && strings.EqualFold(name, "PCMU"):
		format.Codec = media.PCMU
	case plain && strings.EqualFold(name, "G722"): // its clock rate is 8,000, though it samples at 16 kHz (RFC 3551 4.5.2)
		format.Codec = media.G722
	}
	m.Formats = append(m.Formats, format)
}
