package b2bua

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestParseReplaces_RFC3891_6_1(t *testing.T) {
	for value, want := range map[string]replaces{
		"98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff":              {"98732@sip.example.com", "ff87ff", "r33th4x0r", false},
		"12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only":              {"12adf2f34456gs5", "12345", "54321", true},
		" 87134@171.161.34.23 ; to-tag=24796 ; FROM-TAG=0 ; x=\"a;to-tag=1\"": {"87134@171.161.34.23", "24796", "0", false},
	} {
		if got, err := parseReplaces(value); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", value, got, err)
		}
	}
	for _, value := range []string{
		"", "a", "a;to-tag=b", "a;from-tag=b", "a;to-tag=;from-tag=c", ";to-tag=b;from-tag=c",
		"a;to-tag=b;to-tag=c;from-tag=d", "a;to-tag=b;from-tag=c;from-tag=d",
		"a, b;to-tag=b;from-tag=c", "a;to-tag=b c;from-tag=d", "a\r\nX: y;to-tag=b;from-tag=c", "a;to-tag=\"b\";from-tag=c",
		"a;to-tag=b;from-tag=" + strings.Repeat("c", maxReplaces),
	} {
		if got, err := parseReplaces(value); err == nil {
			t.Errorf("%q: got %+v", value, got)
		}
	}
}

// What parses prints and parses to the same, and holds nothing that ends a line.
func FuzzParseReplaces(f *testing.F) {
	f.Add("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff")
	f.Add("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only")
	f.Add("a;to-tag=b;from-tag=c;\r\nX: y")
	f.Fuzz(func(t *testing.T, v string) {
		r, err := parseReplaces(v)
		if err != nil {
			return
		}
		if strings.ContainsAny(r.String(), "\r\n\x00") {
			t.Fatalf("%q: %q", v, r.String())
		}
		if again, err := parseReplaces(r.String()); err != nil || again != r {
			t.Fatalf("%q: got %+v, then %+v, %v", v, r, again, err)
		}
	})
}

// FuzzReferTo: what is read of a Refer-To has no line end in it that a header could get, and is the
// same when it is read of itself again.
func FuzzReferTo(f *testing.F) {
	f.Add("<sip:1002@10.0.0.1?Replaces=a%40b%3Bto-tag%3Dc%3Bfrom-tag%3Dd&User-to-User=5632%3Bencoding%3Dhex>")
	f.Add("\"x\" <sip:%2B39%0d%0aX@x;user=phone?Subject=%0d%0aEvil:1>")
	f.Add("sip:+390831000111@x")
	f.Fuzz(func(t *testing.T, v string) {
		got, ok := referTo(referRequest(v))
		if !ok {
			return
		}
		for _, s := range append(got.uui, got.user) {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Errorf("%q: %q", v, s)
			}
		}
		if again, ok := referTo(referRequest(v)); !ok || again.user != got.user || !slices.Equal(again.uui, got.uui) {
			t.Errorf("%q: got %+v, then %+v", v, got, again)
		}
		if r := got.replaces; r != nil {
			if back, err := parseReplaces(r.String()); err != nil || back != *r {
				t.Errorf("%q: got %+v, then %+v, %v", v, *r, back, err)
			}
		}
	})
}

func TestReplacesOf_RFC3891_3(t *testing.T) {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
	if r, err := replacesOf(req); r != nil || err != nil {
		t.Errorf("none: got %v, %v", r, err)
	}
	req.AppendHeader(sip.NewHeader("Replaces", "a;to-tag=b;from-tag=c"))
	if r, err := replacesOf(req); err != nil || *r != (replaces{"a", "b", "c", false}) {
		t.Errorf("one: got %v, %v", r, err)
	}
	req.AppendHeader(sip.NewHeader("Replaces", "d;to-tag=e;from-tag=f"))
	if _, err := replacesOf(req); err == nil {
		t.Error("two were accepted")
	}
}

func referRequest(values ...string) *sip.Request {
	req := sip.NewRequest(sip.REFER, sip.Uri{Host: "x"})
	for _, v := range values {
		req.AppendHeader(sip.NewHeader("Refer-To", v))
	}
	return req
}

func TestReferTo(t *testing.T) {
	for value, want := range map[string]string{
		"<sip:1002@10.0.0.1>":                           "1002",
		"sip:+390831000111@x":                           "+390831000111",
		"<sip:%2B39@x;user=phone>":                      "+39",
		"<sip:10;x=1@x>":                                "10",
		"<sip:1002@x?User-to-User=00%3Bencoding%3Dhex>": "1002",
		"<sip:la2@10.0.0.1:5060?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>": "la2",
	} {
		if got, ok := referTo(referRequest(value)); got.user != want || !ok {
			t.Errorf("%s: got %+v, %v", value, got, ok)
		}
	}
	for _, values := range [][]string{nil, {"<nonsense"}, {"<sip:1@x>", "<sip:2@x>"}, {"<sip:1@x?Replaces=a>"}, {"<sip:1@x?Replaces=%zz>"}} {
		if got, ok := referTo(referRequest(values...)); ok {
			t.Errorf("%q: got %+v", values, got)
		}
	}
}

func TestReferTo_headers(t *testing.T) {
	got, ok := referTo(referRequest("<sip:1@x?Replaces=a%40b%3Bto-tag%3Dc%3Bfrom-tag%3Dd&User-to-User=" +
		url.QueryEscape("5632;encoding=hex,740a;encoding=hex;purpose=la2") + "&Subject=x>"))
	if !ok || got.replaces == nil || *got.replaces != (replaces{"a@b", "c", "d", false}) {
		t.Errorf("got %+v, %v", got, ok)
	}
	if !slices.Equal(got.uui, []string{"5632;encoding=hex"}) {
		t.Errorf("User-to-User: %q", got.uui)
	}
}
