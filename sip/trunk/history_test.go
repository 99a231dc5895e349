package trunk

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// A carrier sees no number that may not be presented, an office sees what was dialled.
func TestHistory_RFC7044(t *testing.T) {
	carrier, mute, office := &Peer{CLI: "+3906828881"}, &Peer{}, &Peer{Site: "cmna"}
	for _, tt := range []struct {
		name        string
		p           *Peer
		dialled, to string
		why         Diversion
		want        string
	}{
		{"office, transfer", office, "803001", "+390810002222", Deflection, "<sip:803001@h>;index=1, <sip:+390810002222@h;cause=480>;index=1.1;mp=1|<sip:803001@h>;reason=deflection;counter=1"},
		{"office, overflow", office, "+3906828881", "+390810002222", NoAnswer, "<sip:+3906828881@h>;index=1, <sip:+390810002222@h;cause=408>;index=1.1;mp=1|<sip:+3906828881@h>;reason=no-answer;counter=1"},
		{"carrier", carrier, "803001", "0612345", Deflection, "<sip:+3906828881@h>;index=1, <sip:0612345@h;cause=480>;index=1.1;mp=1|<sip:+3906828881@h>;reason=deflection;counter=1"},
		{"carrier without a number to show", mute, "803001", "0612345", Deflection, ""},
		{"a name", office, "bench", "0612345", Deflection, ""},
		{"what is no number injects nothing", office, "803001", "06>;x\r\nEvil: 1", Deflection, ""},
	} {
		var got []string
		for _, h := range tt.p.History(tt.dialled, tt.to, tt.why, "h") {
			got = append(got, h.Value())
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%s: got %s", tt.name, s)
		}
	}
}

// The oldest number counts, from whom we trust, unless it is private.
func TestOriginal(t *testing.T) {
	trusted, stranger := &Peer{Trusted: true}, &Peer{}
	for _, tt := range []struct{ name, lines, want string }{
		{"none", "", ""},
		{"History-Info", "History-Info: <sip:803001@c>;index=1, <sip:+390612345@c;cause=302>;index=1.1;mp=1", "803001"},
		{"several lines", "History-Info: <sip:+39803001@c;user=phone>;index=1\r\nHistory-Info: <sip:+390612345@c>;index=1.1", "803001"},
		{"Diversion", "Diversion: <sip:0612345@c>;reason=unconditional, \"a, <b>\" <sip:803001@c>;reason=no-answer", "803001"},
		{"History-Info goes before Diversion", "Diversion: <sip:1@c>\r\nHistory-Info: <tel:+3906828881>;index=1", "+3906828881"},
		{"a private one", "Diversion: <sip:803001@c>;privacy=full", ""},
		{"a private entry", "History-Info: <sip:803001@c?Privacy=history>;index=1", ""},
		{"anonymous", "History-Info: <sip:anonymous@anonymous.invalid>;index=1", ""},
		{"a name", "Diversion: <sip:mallory@c>", ""},
		{"junk", "Diversion: <<>>,,;", ""},
	} {
		text := "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:1@x>;tag=1\r\nTo: <sip:1@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
		if tt.lines != "" {
			text += tt.lines + "\r\n"
		}
		m, err := sip.ParseMessage([]byte(text + "Content-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		req := m.(*sip.Request)
		if got := trusted.Original(req); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if got := stranger.Original(req); got != "" {
			t.Errorf("%s: %q is believed of anybody", tt.name, got)
		}
	}
}

// Whatever a peer writes, what we read is a number or nothing, and what we write of
// it is one line of each header with two entries at most.
func FuzzOriginal(f *testing.F) {
	for _, s := range []string{"<sip:803001@c>;index=1", "<sip:803001@c>;privacy=full", "\"a, <b>\" <tel:+39 06 828881>", "<sip:%0d%0a@c>", "<<>>,,;", "sip:1@c", "<sip:+39@c"} {
		f.Add(s)
	}
	p := &Peer{Site: "cmna"}
	f.Fuzz(func(t *testing.T, s string) {
		req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "x"})
		req.AppendHeader(sip.NewHeader("History-Info", s))
		n := p.Original(req)
		if strings.Trim(n, "+0123456789") != "" {
			t.Errorf("%q is read as %q", s, n)
		}
		for _, h := range p.History(n, s, Deflection, "h") {
			if strings.ContainsAny(h.Value(), "\r\n\x00") || strings.Count(h.Value(), "<") > 2 {
				t.Errorf("%q gave %q", s, h.Value())
			}
		}
	})
}
