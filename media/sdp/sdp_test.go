package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/media"
)

func body(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

func must(t *testing.T, b []byte) *Session {
	t.Helper()
	s, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var phone = body("v=0", "o=alice 53655765 2353687637 IN IP4 203.0.113.1", "s=-", "c=IN IP4 203.0.113.1", "t=0 0",
	"m=audio 49170 RTP/AVP 9 0 8 97", "a=rtpmap:9 G722/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
	"a=rtpmap:97 telephone-event/8000", "a=fmtp:97 0-15", "a=ptime:30")

func TestParse_Phone(t *testing.T) {
	s := must(t, phone)
	a := s.Audio
	if a.Addr != netip.MustParseAddrPort("203.0.113.1:49170") || a.DTMF != 97 || a.Direction != SendRecv || a.Ptime != 30*time.Millisecond || a.Hold {
		t.Errorf("got %+v", a)
	}
	if len(a.Formats) != 3 || a.Formats[0] != (Format{9, media.G722, "G722", 8000}) || a.Formats[1].Codec != media.PCMU || a.Formats[2] != (Format{8, media.PCMA, "PCMA", 8000}) {
		t.Errorf("got %+v", a.Formats)
	}
	if s.ID != "53655765" || s.Version != "2353687637" || len(s.Lines) != 1 || !s.Lines[0].Audio {
		t.Errorf("got %+v", s)
	}
}

// What phones and gateways really send.
func TestParse_Tolerates(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string // Addr of audio, "" for none
		dir  Direction
	}{
		{"bare LF", []byte(strings.ReplaceAll(string(phone), "\r\n", "\n")), "203.0.113.1:49170", SendRecv},
		{"no line end at the end", phone[:len(phone)-2], "203.0.113.1:49170", SendRecv},
		{"no s= and no t=", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "c=IN IP4 1.2.3.4", "m=audio 4000 RTP/AVP 8"), "1.2.3.4:4000", SendRecv},
		{"no o=", body("v=0", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 4000 RTP/AVP 8"), "1.2.3.4:4000", SendRecv},
		{"o= with letters for numbers", body("v=0", "o=- abc 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 4000 RTP/AVP 8"), "1.2.3.4:4000", SendRecv},
		{"a= before c= and t=", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "a=sendonly", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 4000 RTP/AVP 8"), "1.2.3.4:4000", SendOnly},
		{"blank lines and unknown types", body("v=0", "", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "y=what", "c=IN IP4 1.2.3.4", "t=0 0", "", "m=audio 4000 RTP/AVP 8", "a="), "1.2.3.4:4000", SendRecv},
		{"address of the m-line wins", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 4000 RTP/AVP 8", "c=IN IP4 5.6.7.8", "a=recvonly"), "5.6.7.8:4000", RecvOnly},
		{"direction of the session", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "a=inactive", "m=audio 4000 RTP/AVP 8"), "1.2.3.4:4000", Inactive},
		{"IPv6", body("v=0", "o=- 1 1 IN IP6 2001:db8::1", "s=x", "c=IN IP6 2001:db8::1", "t=0 0", "m=audio 4000 RTP/AVP 8"), "[2001:db8::1]:4000", SendRecv},
		{"second audio line when the first is secure", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 4000 RTP/SAVP 8", "m=audio 4002 RTP/AVP 8"), "1.2.3.4:4002", SendRecv},
		{"host name for an address", body("v=0", "o=- 1 1 IN IP4 h", "s=x", "c=IN IP4 host.example", "t=0 0", "m=audio 4000 RTP/AVP 8"), "", SendRecv},
		{"multicast", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 224.2.1.1/127", "t=0 0", "m=audio 4000 RTP/AVP 8"), "", SendRecv},
		{"no m-line", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "t=0 0"), "", SendRecv},
		{"audio refused", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 0 RTP/AVP 8"), "", SendRecv},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := must(t, tt.in).Audio
			got := ""
			if a.Addr.IsValid() {
				got = a.Addr.String()
			}
			if got != tt.want || a.Direction != tt.dir {
				t.Errorf("got %q %v, want %q %v", got, a.Direction, tt.want, tt.dir)
			}
		})
	}
}

func TestParse_Refuses(t *testing.T) {
	many := append([]byte(nil), phone...)
	for range MaxLines + 1 {
		many = append(many, "m=video 1 RTP/AVP 31\r\n"...)
	}
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"33 m-lines", many, ErrTooLarge},
		{"huge", append(append([]byte(nil), phone...), make([]byte, MaxBody)...), ErrTooLarge},
		{"port out of range", body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 99999999999999999999 RTP/AVP 8"), ErrSyntax},
	}
	for _, tt := range tests {
		if _, err := Parse(tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

var ours = Local{Addr: netip.MustParseAddrPort("198.51.100.1:20000"), ID: 7, Version: 1}

func TestAnswer_RFC3264_6(t *testing.T) {
	b, n, err := Answer(must(t, phone), ours)
	if err != nil {
		t.Fatal(err)
	}
	want := body("v=0", "o=la2 7 1 IN IP4 198.51.100.1", "s=-", "c=IN IP4 198.51.100.1", "t=0 0",
		"m=audio 20000 RTP/AVP 8 97", "a=rtpmap:8 PCMA/8000", "a=rtpmap:97 telephone-event/8000", "a=fmtp:97 0-15", "a=ptime:20", "a=sendrecv")
	if string(b) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
	if n != (Negotiated{Remote: must(t, phone).Audio.Addr, Codec: media.PCMA, PT: 8, SendPT: 8, DTMFPT: 97, SendDTMFPT: 97, Ptime: 30 * time.Millisecond}) {
		t.Errorf("got %+v", n)
	}
}

func TestAnswer_OtherLinesArePort0(t *testing.T) {
	offer := must(t, body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0",
		"m=video 5000 RTP/AVP 31 96", "m=audio 4000 RTP/SAVP 8", "m=audio 4002 RTP/AVPF 100", "a=rtpmap:100 pcmu/8000/1", "m=text 6000 RTP/AVP 98"))
	b, n, err := Answer(offer, ours)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for l := range strings.Lines(string(b)) {
		if l[0] == 'm' {
			got = append(got, strings.TrimSpace(l))
		}
	}
	want := "m=video 0 RTP/AVP 31 96|m=audio 0 RTP/SAVP 8|m=audio 20000 RTP/AVPF 100|m=text 0 RTP/AVP 98"
	if strings.Join(got, "|") != want || n.Codec != media.PCMU || n.PT != 100 || n.DTMFPT != 0 {
		t.Errorf("got %q, %+v", got, n)
	}
	again := ours
	again.Lines = offer.Lines
	if n := strings.Count(string(Offer(again)), "\r\nm="); n != 4 {
		t.Errorf("our later offer has %d m-lines, want 4", n)
	}
}

func TestAnswer_NothingInCommon(t *testing.T) {
	for _, m := range []string{"m=audio 4000 RTP/AVP 9", "m=audio 4000 RTP/SAVP 8", "m=audio 0 RTP/AVP 8", "m=image 4000 udptl t38", "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000"} {
		offer := must(t, body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", m))
		if _, _, err := Answer(offer, ours); !errors.Is(err, ErrIncompatible) {
			t.Errorf("%s: answer got %v", m, err)
		}
		if _, err := Accept(offer, ours); !errors.Is(err, ErrIncompatible) {
			t.Errorf("%s: accept got %v", m, err)
		}
	}
}

// Every direction of theirs against every one of ours (RFC 3264 6.1, 8.4).
func TestHold(t *testing.T) {
	tests := []struct {
		theirs, ours, want Direction
		held               bool
	}{
		{SendRecv, SendRecv, SendRecv, false},
		{SendOnly, SendRecv, RecvOnly, true},
		{RecvOnly, SendRecv, SendOnly, false},
		{Inactive, SendRecv, Inactive, true},
		{SendRecv, SendOnly, SendOnly, false},
		{SendOnly, SendOnly, Inactive, true},
		{RecvOnly, SendOnly, SendOnly, false},
		{SendRecv, RecvOnly, RecvOnly, false},
		{RecvOnly, RecvOnly, Inactive, false},
		{SendRecv, Inactive, Inactive, false},
	}
	for _, tt := range tests {
		offer := must(t, append(append([]byte(nil), phone...), "a="+tt.theirs.String()+"\r\n"...))
		local := ours
		local.Direction = tt.ours
		b, n, err := Answer(offer, local)
		if err != nil || n.Direction != tt.want || n.Held != tt.held || !strings.HasSuffix(string(b), "a="+tt.want.String()+"\r\n") {
			t.Errorf("%v to %v: got %v held=%v, %v", tt.theirs, tt.ours, n.Direction, n.Held, err)
		}
	}
}

func TestHold_RFC2543(t *testing.T) {
	offer := must(t, []byte(strings.ReplaceAll(string(phone), "c=IN IP4 203.0.113.1", "c=IN IP4 0.0.0.0")))
	_, n, err := Answer(offer, ours)
	if err != nil || !n.Held || n.Remote.IsValid() || n.Direction.Send() {
		t.Errorf("got %+v, %v", n, err)
	}
}

func TestOffer_Accept(t *testing.T) {
	answer := must(t, body("v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0", "m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
	n, err := Accept(answer, ours)
	if err != nil || n.Codec != media.PCMU || n.PT != 0 || n.SendPT != 0 || n.DTMFPT != EventPT || n.SendDTMFPT != 96 {
		t.Errorf("got %+v, %v", n, err)
	}
	local := ours
	local.NoDTMF, local.Codecs = true, []media.Codec{media.PCMU}
	s := must(t, Offer(local))
	if len(s.Audio.Formats) != 1 || s.Audio.Formats[0].Codec != media.PCMU || s.Audio.DTMF != 0 {
		t.Errorf("got %+v", s.Audio)
	}
	v6 := ours
	v6.Addr = netip.MustParseAddrPort("[2001:db8::1]:4000")
	if s := must(t, Offer(v6)); s.Audio.Addr != v6.Addr {
		t.Errorf("got %v", s.Audio.Addr)
	}
}

// G.722 is static type 9 with or without rtpmap, any dynamic one with, and always
// at 8,000 (RFC 3551 4.5.2).
func TestG722(t *testing.T) {
	wide := ours
	wide.Codecs = []media.Codec{media.G722, media.PCMA}
	for _, tt := range []struct {
		lines []string
		pt    uint8
		codec media.Codec
	}{
		{[]string{"m=audio 4000 RTP/AVP 8 9"}, 9, media.G722},
		{[]string{"m=audio 4000 RTP/AVP 8 109", "a=rtpmap:109 g722/8000/1"}, 109, media.G722},
		{[]string{"m=audio 4000 RTP/AVP 109 8", "a=rtpmap:109 G722/16000"}, 8, media.PCMA},
		{[]string{"m=audio 4000 RTP/AVP 8 0"}, 8, media.PCMA},
	} {
		offer := must(t, body(append([]string{"v=0", "o=- 1 1 IN IP4 1.2.3.4", "s=x", "c=IN IP4 1.2.3.4", "t=0 0"}, tt.lines...)...))
		_, n, err := Answer(offer, wide)
		if err != nil || n.Codec != tt.codec || n.PT != tt.pt || n.SendPT != tt.pt {
			t.Errorf("%q: %v on %d, %v", tt.lines, n.Codec, n.PT, err)
		}
	}
	if got := string(Offer(wide)); !strings.Contains(got, " RTP/AVP 9 8 101\r\n") || !strings.Contains(got, "a=rtpmap:9 G722/8000\r\n") {
		t.Errorf("offered:\n%s", got)
	}
}

func TestSame(t *testing.T) {
	a, b, c := ours, ours, ours
	b.Version, c.Direction = 9, SendOnly
	if !Same(Offer(a), Offer(b)) || Same(Offer(a), Offer(c)) || Same(Offer(a), nil) || !Same(nil, nil) {
		t.Error("Same must look at all but the version")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(phone)
	f.Add(Offer(ours))
	f.Add([]byte("v=0\no=- 1 1 IN IP4 1.2.3.4\nc=IN IP4 1.2.3.4\nm=audio 4000 RTP/AVP 8\na=rtpmap:8\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		out, n, err := Answer(s, ours)
		if err != nil {
			return
		}
		back, err := Parse(out)
		if err != nil {
			t.Fatalf("our answer does not parse: %v\n%s", err, out)
		}
		if back.Audio.Addr != ours.Addr || len(back.Lines) != len(s.Lines) || back.Audio.Direction != n.Direction || back.Audio.DTMF != n.DTMFPT {
			t.Fatalf("our answer reads as %+v, meant %+v\n%s", back, n, out)
		}
	})
}

func BenchmarkOffer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Offer(ours)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Parse(phone)
	}
}

func ExampleAnswer() {
	offer, err := Parse([]byte("v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, agreed, err := Answer(offer, Local{Addr: netip.MustParseAddrPort("198.51.100.1:20000")})
	fmt.Println(agreed.Codec, agreed.Remote, err)
	// Output: PCMA 203.0.113.1:4000 <nil>
}
