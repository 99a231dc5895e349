package b2bua

import (
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

func TestOpaque_RFC7433_4_1(t *testing.T) {
	for value, want := range map[string][]string{
		"56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar": {"56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar"},
		`"a, b; c";content=x`:                              {`"a, b; c";content=x`},
		"00;encoding=hex, 01;encoding=hex":                 {"00;encoding=hex", "01;encoding=hex"},
		"token.without-parameters":                         {"token.without-parameters"},
		strings.Repeat("00", maxUUIData) + ";encoding=hex": {strings.Repeat("00", maxUUIData) + ";encoding=hex"},
		// What is not passed on.
		"":                              nil,
		"0;encoding=hex":                nil,
		"zz;encoding=hex":               nil,
		"00;encoding=hex;purpose=la2":   nil,
		"00;encoding=hex;purpose=LA2":   nil,
		`00;encoding=hex;purpose="la2"`: nil,
		"a b":                           nil,
		`"a`:                            nil,
		"\"a\\\nb\"":                    nil, // a quoted pair hides no line end
		"\"a\rb\"":                      nil,
		"00;encoding=hex;=x":            nil,
		"00;encoding=hex;x=<":           nil,
		strings.Repeat("00", maxUUIData+1) + ";encoding=hex": nil,
		strings.Repeat("a", maxUUIData+3):                    nil,
	} {
		if got := opaque(value); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

// What passes is a part of what came, ends no line and is not ours.
func FuzzOpaque(f *testing.F) {
	f.Add("56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar")
	f.Add(`"a, b; c";content=x, 00;encoding=hex;purpose=la2`)
	f.Add("\"\\\r\n\"")
	f.Add("\"\\\n\"")
	f.Fuzz(func(t *testing.T, v string) {
		for _, one := range opaque(v) {
			if !strings.Contains(v, one) || strings.ContainsAny(one, "\r\n\x00") {
				t.Fatalf("%q: %q", v, one)
			}
			if _, ours := ParseCapsule(one); ours {
				t.Fatalf("%q is a capsule", one)
			}
			if again := opaque(one); len(again) != 1 || again[0] != one {
				t.Fatalf("%q: then %q", one, again)
			}
		}
	})
}

const (
	uuiThere = "5468657265;encoding=hex;purpose=isdn-uui"
	uuiBack  = "4261636b;encoding=hex"
	uuiEnd   = "456e64;encoding=hex"
)

func uuiIn(m sip.Message) string {
	var out []string
	for _, h := range m.GetHeaders(userToUser) {
		out = append(out, h.Value())
	}
	return strings.Join(out, " | ")
}

// What the parties tell each other passes both ways: INVITE, 2xx, BYE.
func TestUserToUser_RFC7433(t *testing.T) {
	scenario(t, straight, func(w *world) {
		caller, callee := w.phone("1004"), w.phone("1002")
		ours := FormatCapsule(cti.Capsule{Class: cti.ClassOverflow, Hops: 1})
		caller.dial("1002", caller.sdp("sendrecv"), "User-to-User: "+uuiThere, "User-to-User: "+ours, "User-to-User: 0;encoding=hex")
		m := callee.expect("INVITE").(*sip.Request)
		if got := uuiIn(m); got != uuiThere {
			t.Errorf("INVITE: %q", got)
		}
		callee.reply(m, 200, callee.sdp("sendrecv"), "User-to-User: "+uuiBack)
		callee.expect("ACK")
		if got := uuiIn(caller.expect("200")); got != uuiBack {
			t.Errorf("200: %q", got)
		}
		caller.ack("")
		caller.request("BYE", "", "User-to-User: "+uuiEnd)
		caller.expect("200")
		bye := callee.expect("BYE").(*sip.Request)
		if got := uuiIn(bye); got != uuiEnd {
			t.Errorf("BYE: %q", got)
		}
		callee.reply(bye, 200, "")
	})
}

// A Refer-To may carry data for its target.
func TestUserToUser_inReferTo(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target := w.phone("1003")
		agent.auto200 = true
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1?User-to-User=5468657265%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui>")
		agent.expect("202")
		agent.expect("NOTIFY")
		m := target.expect("INVITE").(*sip.Request)
		if got := uuiIn(m); got != uuiThere {
			t.Errorf("INVITE: %q", got)
		}
		if got := header(m, "Referred-By"); got != "<sip:1002@10.0.0.1:5060>" {
			t.Errorf("Referred-By: %q", got)
		}
		target.reply(m, 486, "")
		target.expect("ACK")
		agent.expect("NOTIFY")
		caller.request("BYE", "")
		caller.expect("200")
		agent.expect("BYE")
	})
}

// A redirection may carry data for who is called next, in itself and in its Contact.
func TestUserToUser_in3xx(t *testing.T) {
	scenario(t, diverting, func(w *world) {
		caller, first, second := w.phone("1050"), w.phone("1002"), w.phone("1003")
		caller.dial("1002", caller.sdp("sendrecv"))
		first.reply(first.expect("INVITE").(*sip.Request), 302, "", "User-to-User: "+uuiBack,
			"Contact: <sip:1003@10.0.0.1?User-to-User=5468657265%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui>")
		first.expect("ACK")
		m := second.expect("INVITE").(*sip.Request)
		if got := uuiIn(m); got != uuiBack+" | "+uuiThere {
			t.Errorf("INVITE: %q", got)
		}
		second.reply(m, 486, "")
		second.expect("ACK")
		caller.expect("486")
		caller.ackFailure()
	})
}

// The target of a transfer sends the caller on (RFC 3261 8.1.3.4): where it may, the
// next one rings, and the transferor hears of that one's answer.
func TestReferRedirected(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		target, next := w.phone("1003"), w.phone("1004")
		agent.auto200 = true
		agent.request("REFER", "", "Refer-To: <sip:1003@10.0.0.1>")
		agent.expect("202")
		agent.expect("NOTIFY")
		target.reply(target.expect("INVITE").(*sip.Request), 302, "", "Contact: <sip:1004@10.0.0.1>")
		target.expect("ACK")
		next.answer()
		agent.expect("NOTIFY")
		if got := fragment(agent.expect("NOTIFY").(*sip.Request)); !strings.HasPrefix(got, "SIP/2.0 200 ") {
			t.Errorf("last NOTIFY: %s", got)
		}
		agent.expect("BYE")
		caller.request("BYE", "")
		caller.expect("200")
		next.reply(next.expect("BYE").(*sip.Request), 200, "")
	})
}
