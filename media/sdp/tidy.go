package sdp

import "strings"

// tidy rewrites a description that the strict reader refused: known lines only,
// in the order of RFC 8866 5, with the mandatory ones supplied, CRLF ended. It
// keeps o= only when that has six fields with numbers where numbers belong.
func tidy(text string) string {
	origin, conn, attrs, medias := "- 0 0 IN IP4 0.0.0.0", "", []string(nil), []string(nil)
	inMedia := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(line) < 3 || line[1] != '=' {
			continue
		}
		value := strings.TrimSpace(line[2:])
		switch line[0] {
		case 'o':
			if f := strings.Fields(value); len(f) == 6 && digits(f[1]) && digits(f[2]) && !inMedia {
				origin = strings.Join(f, " ")
			}
		case 'c':
			f := strings.Fields(value)
			if len(f) != 3 || !strings.EqualFold(f[0], "IN") {
				continue
			}
			value = "IN " + strings.ToUpper(f[1]) + " " + f[2]
			if !inMedia {
				conn = "c=" + value + "\r\n"
				continue
			}
			medias = append(medias, "c="+value)
		case 'm':
			f := strings.Fields(value)
			if len(f) < 4 {
				continue
			}
			inMedia = true
			if !usable(f[0], f[2]) {
				f = []string{"application", "0", "UDP", "0"} // the reader knows few kinds; lines keeps the true one
			}
			medias = append(medias, "m="+strings.Join(f, " "))
		case 'a':
			if inMedia {
				medias = append(medias, "a="+value)
				continue
			}
			attrs = append(attrs, "a="+value)
		}
	}
	var b strings.Builder
	b.WriteString("v=0\r\no=" + origin + "\r\ns=-\r\n" + conn + "t=0 0\r\n")
	for _, l := range append(attrs, medias...) {
		b.WriteString(l + "\r\n")
	}
	return b.String()
}

// digits tells whether s is a number of at most 18 digits.
func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 18
}

// lines finds the frames of the m-lines, with what we do not use as written.
func lines(text string) (out []Line) {
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "m=")
		if f := strings.Fields(value); ok && len(f) >= 4 {
			out = append(out, Line{Kind: f[0], Proto: f[2], Formats: strings.Join(f[3:], " ")})
		}
	}
	return out
}

// usable tells whether LA2 takes part in an m-line of this kind.
func usable(kind, proto string) bool {
	return kind == "audio" && (proto == "RTP/AVP" || proto == "RTP/AVPF" || secureProfile(proto))
}

// secureProfile tells the profiles of SRTP (RFC 3711, RFC 5124).
func secureProfile(proto string) bool { return proto == "RTP/SAVP" || proto == "RTP/SAVPF" }
