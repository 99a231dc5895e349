package node

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
)

// The matrix of ST 769 inwards: Privacy absent, none, id, id;user, from a carrier in
// our trust domain and from one outside it, from here and from abroad.
func TestIdentityMatrix_in(t *testing.T) {
	const from, asserted = "+393331234567", "+390831000111"
	open := func(number string, verified bool) cti.Party { return cti.Party{Number: number, Verified: verified} }
	hidden := func(trusted bool) cti.Party { return cti.Party{Withheld: true, Verified: trusted} }
	for _, tt := range []struct {
		privacy         string
		trusted, abroad bool
		want            cti.Party
	}{
		{"", true, false, open(asserted, true)},
		{"none", true, false, open(asserted, true)},
		{"id", true, false, hidden(true)},
		{"id;user", true, false, hidden(true)},
		{"user", true, false, hidden(true)},
		{"ID; critical", true, false, hidden(true)},
		{"", false, false, open(from, false)},
		{"none", false, false, open(from, false)},
		{"id", false, false, hidden(false)},
		{"id;user", false, false, hidden(false)},
		{"", true, true, open(asserted, false)}, // Italian, from another country
		{"id", true, true, hidden(true)},
	} {
		tr := toCarrier("operatore", carrierA)
		tr.Trusted, tr.Abroad = tt.trusted, tt.abroad
		p := peerOf(tr)
		lines := "P-Asserted-Identity: <sip:" + asserted + "@c>\r\nRemote-Party-ID: <sip:+390666666666@c>;screen=yes\r\nP-Preferred-Identity: <sip:+390777777777@c>\r\n"
		if tt.privacy != "" {
			lines += "Privacy: " + tt.privacy + "\r\n"
		}
		m, err := sip.ParseMessage([]byte("INVITE sip:803001@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:" + from + "@c>;tag=1\r\nTo: <sip:1@x>\r\n" +
			lines + "Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := byPeer(&p, m.(*sip.Request)).caller; got != tt.want {
			t.Errorf("Privacy %q, trusted %v, abroad %v: got %+v, want %+v", tt.privacy, tt.trusted, tt.abroad, got, tt.want)
		}
	}
}

// The same matrix outwards, as it stands on the wire: a station's extension is never
// shown, who is anonymous stays so, and only a carrier in our trust domain learns by
// P-Asserted-Identity which number of ours calls. What the station writes itself
// into such headers goes nowhere.
func TestIdentityMatrix_out(t *testing.T) {
	const cli = "+3906828881"
	for _, tt := range []struct {
		privacy       string
		trusted       bool
		from, pai     string
		privacyHeader string
	}{
		{"", true, cli, cli, ""},
		{"none", true, cli, cli, ""},
		{"id", true, "anonymous", cli, "id"},
		{"id;user", true, "anonymous", cli, "id"},
		{"", false, cli, "", ""},
		{"none", false, cli, "", ""},
		{"id", false, "anonymous", "", "id"},
		{"id;user", false, "anonymous", "", "id"},
	} {
		tr := toCarrier("operatore", carrierA)
		tr.Trusted = tt.trusted
		var c *carrierEnd
		carriers(t, nil, []configs.Trunk{tr}, func(w *world) { c = w.carrier(carrierA) }, func(w *world, o *site) {
			lines := []string{"P-Preferred-Identity: <sip:+390999999999@x>", "P-Asserted-Identity: <sip:+390999999999@x>", "Remote-Party-ID: <sip:+390999999999@x>",
				"Identity: x", "Diversion: <sip:+390999999999@x>", "History-Info: <sip:+390999999999@x>;index=1"}
			if tt.privacy != "" {
				lines = append(lines, "Privacy: "+tt.privacy)
			}
			if res := w.raw("10.0.4.1:5060").calls("1001", citizen, lines...); res.StatusCode != 200 {
				t.Fatalf("got %d", res.StatusCode)
			}
			m := c.last(sip.INVITE)
			value := func(name string) string {
				if h := m.GetHeader(name); h != nil {
					return h.Value()
				}
				return ""
			}
			if got := m.From().Address.User; got != tt.from {
				t.Errorf("Privacy %q, trusted %v: From is %s", tt.privacy, tt.trusted, got)
			}
			if got := value("P-Asserted-Identity"); (got == "") != (tt.pai == "") || !strings.Contains(got, tt.pai) {
				t.Errorf("Privacy %q, trusted %v: P-Asserted-Identity is %q", tt.privacy, tt.trusted, got)
			}
			if got := value("Privacy"); got != tt.privacyHeader {
				t.Errorf("Privacy %q, trusted %v: Privacy is %q", tt.privacy, tt.trusted, got)
			}
			if text := m.String(); strings.Contains(text, "999999999") || strings.Contains(text, "1001") || strings.Contains(text, "Identity: x") {
				t.Errorf("the station's words or name leave\n%s", text)
			}
		})
	}
}

// A call that a carrier forwarded to a number that we do not have is served by what
// the caller dialled, if we trust who says so.
func TestForwardedToUs(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		tr := toCarrier("operatore", carrierA)
		tr.Trusted = trusted
		carriers(t, nil, []configs.Trunk{tr}, func(*world) {}, func(w *world, o *site) {
			r := w.raw(carrierA + ":5060")
			res := r.final(r.request("INVITE", "sip:+390699999999@10.0.0.1", "Diversion: <sip:803001@c>;reason=unconditional"))
			if want := map[bool]int{true: 200, false: 403}[trusted]; res.StatusCode != want {
				t.Errorf("trusted %v: %d, want %d", trusted, res.StatusCode, want)
			}
		})
	}
}

// An office to which an operator hands a caller over learns what was dialled; the
// number of a withheld caller is in none of it.
func TestHistoryOnTheWire(t *testing.T) {
	strangers(t, func(w *world) {
		brindisi := w.raw(brindisiIP + ":5060")
		a1 := w.actor("a1")
		a1.register(time.Hour)
		a1.logIn()
		a1.state("ready", "")
		a1.auto = time.Second
		for _, line := range []string{"caller > INVITE 803001 withheld", "caller < 200", "caller # dtmf 0"} {
			w.step(scriptLine{1, strings.Fields(line)})
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Second)
		call, leg := a1.talk()
		for len(brindisi.in) > 0 {
			<-brindisi.in
		}
		go func() {
			_ = w.nodes["hub"].sw.Transfer(w.t.Context(), call, leg, cti.Destination{Trunk: "brindisi", Number: "+390831000111"})
		}() // ends at once
		time.Sleep(100 * time.Millisecond)
		var sent string
		for len(brindisi.in) > 0 {
			if b := string(<-brindisi.in); strings.HasPrefix(b, "INVITE") {
				sent = b
			}
		}
		for _, want := range []string{"History-Info: <sip:803001@10.0.0.1>;index=1, <sip:+390831000111@10.0.0.1;cause=480>;index=1.1;mp=1\r\n", "Diversion: <sip:803001@10.0.0.1>;reason=deflection;counter=1\r\n", "Privacy: id\r\n"} {
			if !strings.Contains(sent, want) {
				t.Errorf("%q is missing in\n%s", want, sent)
			}
		}
		if strings.Contains(sent, "81555") {
			t.Errorf("the withheld number leaves\n%s", sent)
		}
	})
}
