//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaamica/la2/phone"
)

// A telephone behind an edge proxy, over TCP to Kamailio and from there over UDP: it registers with
// Path, calls and is called over its own connection.
func TestKamailioEdge(t *testing.T) {
	f := newSetting(t, "udp")
	f.kamailio(t, "edge.cfg", "PORT")
	c := f.office(t)
	s := baresipAs(t, "4002", "<sip:4002@"+c.office+">;auth_user=4002;auth_pass=demo-4002;regint=60;audio_codecs=pcma;answermode=manual;"+
		`outbound="sip:`+c.at+`;transport=tcp"`, toneFile(t, 700, 60), "")
	if _, _, ok := s.until(0, 10*time.Second, func(l string) bool { return strings.Contains(l, "200 OK") }); !ok {
		t.Fatal("baresip did not register through Kamailio")
	}
	caller := ring(t, "4002", "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "40s", "--play", toneFile(t, 1000, 60))
	s.event(t, 10*time.Second, "CALL_INCOMING")
	s.command(t, "accept", "")
	s.event(t, 10*time.Second, "CALL_ESTABLISHED")
	caller.hears(t, 700, 10*time.Second)
	s.command(t, "hangup", "")
	caller.event(t, 10*time.Second, "ended")
	settled(t, c.web)

	desk := answering(t, "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--after", "300ms", "--for", "60s", "--play", toneFile(t, 600, 60))
	s.command(t, "dial", "sip:4001@"+c.office)
	desk.event(t, 10*time.Second, "answered")
	desk.hears(t, 700, 10*time.Second)
	s.command(t, "hold", "")
	desk.hearsKind(t, "speech", 10*time.Second) // music
	s.command(t, "resume", "")
	desk.hears(t, 700, 10*time.Second)
	desk.leave()
	s.event(t, 10*time.Second, "CALL_CLOSED") // of the first
	s.event(t, 10*time.Second, "CALL_CLOSED") // its BYE came through the edge, too
	settled(t, c.web)
}

// far rings SIPp behind the carrier with one of the scenarios of a callee;
// it echoes the station's tone.
func (c carrier) far(t *testing.T) {
	for _, scenario := range []string{"uas_early", "uas_prack", "uas_422"} {
		t.Run(scenario, func(t *testing.T) {
			port := freePortOf5(t)
			far := waiting(t, scenario, "+390666"+port, port, c.at, "-rtp_echo")
			station := ring(t, "+390666"+port, "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "40s", "--play", toneFile(t, 1000, 60))
			station.event(t, 10*time.Second, "answered")
			station.hears(t, 1000, 8*time.Second)
			station.signal(syscall.SIGINT)
			done(t, far, 10*time.Second)
		})
	}
	settled(t, c.web)
}

// givenUp: the station hangs up while the carrier's customer rings.
func (c carrier) givenUp(t *testing.T) {
	far := answering(t, "--listen", "127.0.0.3:0", "--via", c.at, "--user", "+390655501001", "--after", "30s", "--for", "60s")
	station := ring(t, "+390655501001", "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "40s")
	far.event(t, 10*time.Second, "incoming")
	station.signal(syscall.SIGINT)
	if e := far.event(t, 10*time.Second, "ended"); e.Text != "cancelled" {
		t.Errorf("the end of the customer's telephone: %q, want cancelled", e.Text)
	}
	settled(t, c.web)
}

// held: a citizen with a baresip holds and resumes, through the carrier.
func (c carrier) held(t *testing.T) {
	desk := c.agentWho(t)
	s := baresipAs(t, "anyone", "<sip:anyone@"+c.at+">;regint=0;audio_codecs=pcma", toneFile(t, 1000, 60), "")
	s.command(t, "dial", "sip:803001@"+c.at)
	s.event(t, 10*time.Second, "CALL_ESTABLISHED")
	desk.hears(t, 1000, 10*time.Second)
	s.command(t, "hold", "")
	if _, ok := desk.match(10*time.Second, func(e phone.Event) bool { return e.Event == "audio" && e.Hears != "tone" }); !ok {
		t.Error("held, the agent still hears the citizen")
	}
	s.command(t, "resume", "")
	desk.hears(t, 1000, 10*time.Second)
	desk.leave()
	s.event(t, 10*time.Second, "CALL_CLOSED")
	settled(t, c.web)
}

// handedOver: the agent's telephone hands the carrier's citizen to a colleague by REFER, and each
// end hears the other.
func (c carrier) handedOver(t *testing.T) {
	desk := c.agentWho(t, "--transfer", "4002", "--transfer-after", "1s")
	colleague := answering(t, "--listen", "127.0.0.4:0", "--via", c.office, "--user", "4002", "--after", "300ms", "--for", "60s", "--play", toneFile(t, 700, 60))
	citizen := ring(t, "803001", "--listen", "127.0.0.3:0", "--via", c.at, "--user", "anyone", "--for", "60s", "--play", toneFile(t, 1000, 60))
	if e := desk.event(t, 15*time.Second, "refer"); e.Code != 202 {
		t.Errorf("REFER answered with %d %s, want 202", e.Code, e.Text)
	}
	colleague.event(t, 10*time.Second, "answered")
	citizen.hears(t, 700, 10*time.Second)
	colleague.hears(t, 1000, 10*time.Second)
	desk.event(t, 10*time.Second, "ended")
	citizen.signal(syscall.SIGINT)
	colleague.event(t, 10*time.Second, "ended")
	settled(t, c.web)
}

// noWayThrough: nobody from outside gets out again by a REFER (toll fraud); the citizen stays
// with the agent.
func (c carrier) noWayThrough(t *testing.T) {
	desk := c.agentWho(t, "--transfer", "+390655501001", "--transfer-after", "1s")
	citizen := ring(t, "803001", "--listen", "127.0.0.3:0", "--via", c.at, "--user", "anyone", "--for", "60s", "--play", toneFile(t, 1000, 60))
	desk.event(t, 15*time.Second, "refer")
	if e := desk.event(t, 10*time.Second, "notify"); !strings.Contains(e.Text, " 403 ") {
		t.Errorf("the transfer ended with %q, want 403", e.Text)
	}
	citizen.next = len(citizen.text())
	citizen.hears(t, 600, 15*time.Second)
	citizen.signal(syscall.SIGINT)
	desk.event(t, 10*time.Second, "ended")
	settled(t, c.web)
}

// agentWho is the telephone of a ready agent.
func (c carrier) agentWho(t *testing.T, does ...string) *telephone {
	t.Helper()
	desk := answering(t, append([]string{"--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--after", "300ms", "--for", "60s",
		"--play", toneFile(t, 600, 60)}, does...)...)
	logIn(t, c.web, "4001").ready(t)
	return desk
}

// What the carrier says is what the caller hears of; that the carrier is overloaded does not
// mean that we are (RFC 3261 16.7 step 6).
func (c carrier) refused(t *testing.T) {
	for number, want := range map[string]int{"+390655500486": 486, "+390655500404": 404, "+390655500503": 480} {
		p := ring(t, number, "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "20s")
		e := p.event(t, 8*time.Second, "failed")
		if e.Code != want {
			t.Errorf("%s: refused with %d %s, want %d", number, e.Code, e.Text, want)
		}
	}
	settled(t, c.web)
}

// The first of two carriers freezes, then dies: calls go by the second, and the call that
// stands goes on, because its audio does not pass the carrier.
func TestKamailioDies(t *testing.T) {
	f := newSetting(t, "udp")
	first := f.kamailio(t, "carrier.cfg", "PORT")
	f.kamailio(t, "carrier.cfg", "SECOND")
	c := f.office(t, "trunk_pair.yaml")
	const number = "+390655501001"
	one := answering(t, "--listen", "127.0.0.3:0", "--via", c.at, "--user", number, "--after", "300ms", "--for", "120s", "--play", toneFile(t, 700, 10))
	two := answering(t, "--listen", "127.0.0.4:0", "--via", "127.0.0.1:"+f.words["SECOND"], "--user", number, "--after", "300ms", "--for", "120s", "--play", toneFile(t, 800, 10))
	call := func(hz int) *telephone {
		t.Helper()
		p := ring(t, number, "--listen", "127.0.0.2:0", "--via", c.office, "--user", "4001", "--for", "90s", "--play", toneFile(t, 1000, 10))
		e := p.event(t, 15*time.Second, "answered")
		t.Logf("answered after %v", e.At.Sub(p.events()[0].At).Round(time.Millisecond))
		p.hears(t, hz, 8*time.Second)
		return p
	}
	stands := call(700)
	group := -first.cmd.Process.Pid
	if err := syscall.Kill(group, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"frozen", "dead"} {
		if state == "dead" {
			first.kill()
		}
		p := call(800)
		two.hears(t, 1000, 10*time.Second)
		p.signal(syscall.SIGINT)
		two.event(t, 5*time.Second, "ended")
		stands.hears(t, 700, 20*time.Second) // told again after 5 s of audio
		one.hears(t, 1000, 20*time.Second)
	}
}
