package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// list reads a whole list; false when a value cannot be read.
func list(s string) (out []string, ok bool) {
	for rest := []byte(s); rest != nil; {
		var a Address
		if a, rest, ok = NextAddress(rest); !ok {
			return nil, false
		}
		if a.Star {
			out = append(out, "*")
			continue
		}
		out = append(out, fmt.Sprintf("%s|%s", a.URI, a.Params))
	}
	return out, true
}

func TestNextAddress_RFC3261_20_10(t *testing.T) {
	tests := []struct {
		name, value string
		want        []string // nil: cannot be read
	}{
		{"name-addr", `"Mr. Watson" <sip:watson@worcester.example> ;q=0.7; expires=3600`, []string{`sip:watson@worcester.example| ;q=0.7; expires=3600`}},
		{"comma in the quotes", `"Rossi, <Mario>" <sip:a@h>, sip:b@h`, []string{"sip:a@h|", "sip:b@h|"}},
		{"escaped quote", `"a\"," <sip:a@h>;x`, []string{"sip:a@h|;x"}},
		{"comma and semicolon in the brackets", `<sip:a;x=y,z@h;ob>;q=1`, []string{"sip:a;x=y,z@h;ob|;q=1"}},
		{"addr-spec: the parameters are of the field", `sip:a@h;expires=5`, []string{"sip:a@h|;expires=5"}},
		{"token as display name", `Mario Rossi <sip:a@h>`, []string{"sip:a@h|"}},
		{"star", " * ", []string{"*"}},
		{"quoted parameter", `<sip:a@h>;+sip.instance="<urn:uuid:1,2;3>";reg-id=1`, []string{`sip:a@h|;+sip.instance="<urn:uuid:1,2;3>";reg-id=1`}},
		{"folded", "<sip:a@h>;x\r\n ,\r\n <sip:b@h>", []string{"sip:a@h|;x\r\n ", "sip:b@h|"}},
		{"fold inside the URI", "<sip:a@h\r\n x>", nil},
		{"headers without brackets", "sip:a@h?Subject=x", nil},
		{"star with a parameter", "*;expires=0", nil},
		{"unclosed bracket", "<sip:a@h", nil},
		{"unclosed quotes", `"a <sip:a@h>`, nil},
		{"empty brackets", "<>", nil},
		{"nothing", "", nil},
		{"nothing behind the comma", "<sip:a@h>, ", nil},
		{"nothing before the comma", ", <sip:a@h>", nil},
		{"rubbish behind", "<sip:a@h> x", nil},
		{"parameter without name", "<sip:a@h>;=1", nil},
		{"control character", "<sip:a\x01@h>", nil},
	}
	for _, tc := range tests {
		got, ok := list(tc.value)
		if ok != (tc.want != nil) || ok && !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, %v", tc.name, got, ok)
		}
	}
}

func TestAddress_Param(t *testing.T) {
	a, _, ok := NextAddress([]byte(`<sip:a@h;expires=9>; Expires = 7 ;+sip.instance="<urn:x>";ob`))
	if !ok {
		t.Fatal("not read")
	}
	for name, want := range map[string]string{"expires": "7", "+sip.INSTANCE": `"<urn:x>"`, "ob": "", "q": "absent"} {
		v, there := a.Param(name)
		if got := string(v); there != (want != "absent") || there && got != want {
			t.Errorf("%s: got %q, %v", name, got, there)
		}
	}
}

// Whatever the list, what is read of it is a URI without brackets and white space, and the values
// cover the list.
func FuzzNextAddress(f *testing.F) {
	f.Add(`"a,b" <sip:a@h;x>;q=0.1, sip:b@h;expires=0`)
	f.Add("*")
	f.Add("<sip:a@h>;x=\"\\\"\"\r\n ,sip:b@h")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > MaxMessage {
			return
		}
		n := 0
		for rest := []byte(s); rest != nil; {
			before := len(rest)
			a, next, ok := NextAddress(rest)
			if !ok {
				return
			}
			if len(next) >= before {
				t.Fatalf("%q: no progress", s)
			}
			if strings.ContainsAny(string(a.URI), "<> \t\r\n\"\x00") || a.Star == (len(a.URI) > 0) {
				t.Fatalf("%q: URI %q, star %v", s, a.URI, a.Star)
			}
			again, more, ok := NextAddress(a.Raw)
			if !ok || more != nil || string(again.URI) != string(a.URI) || again.Star != a.Star {
				t.Fatalf("%q: value %q reads as %q", s, a.Raw, again.URI)
			}
			rest = next
			n++
		}
		if n == 0 {
			t.Fatalf("%q: read without a value", s)
		}
	})
}
