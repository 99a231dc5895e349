//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
)

// A softphone is a baresip without sound card: it says a WAV and records what
// it hears until its first re-INVITE.
type softphone struct {
	*proc
	dir  string
	conn net.Conn
	in   *bufio.Reader
}

const baresipConfig = `
poll_method epoll
net_interface 127.0.0.1
sip_listen 127.0.0.1:%d
ctrl_tcp_listen 127.0.0.1:%d
audio_source aufile,%s
audio_player aubridge,ear
audio_alert aubridge,bell
ausrc_srate %d
auplay_srate %[4]d
ausrc_channels 1
auplay_channels 1
jitter_buffer_delay 1-3
snd_path %[5]s
module_path /usr/lib/baresip/modules
module g711.so
module sndfile.so
module aufile.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
`

// wideBand are the lines of configuration of one that speaks G.722; it says a WAV of 16 kHz.
const wideBand = "module g722.so\n"

// baresip starts one for an account of the hub; regint 0 does not register.
func baresip(t *testing.T, user string, regint int, sound string) *softphone {
	t.Helper()
	return baresipAt(t, user, regint, sound, "127.0.0.1:5060", "")
}

// baresipAt is baresip for a server, host and port with URI parameters or without,
// and with more lines of configuration.
func baresipAt(t *testing.T, user string, regint int, sound, server, more string) *softphone {
	t.Helper()
	account := fmt.Sprintf("<sip:%s@%s>;auth_user=%s;auth_pass=demo-%s;regint=%d;audio_codecs=pcma;answermode=manual", user, server, user, user, regint)
	return baresipAs(t, user, account, sound, more)
}

// baresipAs is baresip for an account line, with more lines of configuration and arguments.
func baresipAs(t *testing.T, user, account, sound, more string, args ...string) *softphone {
	t.Helper()
	need(t, "baresip")
	s := &softphone{dir: t.TempDir()}
	ctrl, rate := freePort(t), media.ClockRate
	if strings.Contains(more, wideBand) {
		rate = media.WideRate
	}
	for name, text := range map[string]string{
		"config":   fmt.Sprintf(baresipConfig, freePort(t), ctrl, sound, rate, s.dir) + more,
		"accounts": account + "\n",
		"contacts": "",
		"uuid":     "6a1ee1f0-5d3a-4b0e-9d8e-4f9c3a7d0001",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.proc = start(t, "baresip", append(args, "-f", s.dir)...)
	for end := time.Now().Add(patience * 5 * time.Second); s.conn == nil; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(ctrl))
		if err == nil {
			s.conn, s.in = c, bufio.NewReader(c)
			t.Cleanup(func() { c.Close() })
		} else if time.Now().After(end) {
			t.Fatalf("baresip of %s does not listen: %v", user, err)
		}
	}
	return s
}

// freePort is free for UDP and TCP; the next one may be taken by its TLS.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		port := ln.Addr().(*net.TCPAddr).Port
		pc, err := net.ListenPacket("udp", ln.Addr().String())
		if err != nil {
			continue
		}
		defer pc.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// freePortOf5 is one of five digits.
func freePortOf5(t *testing.T) string {
	t.Helper()
	for range 50 {
		if p := freePort(t); p >= 10000 {
			return strconv.Itoa(p)
		}
	}
	t.Fatal("no free port of five digits")
	return ""
}

// command sends a JSON netstring.
func (s *softphone) command(t *testing.T, name, params string) {
	t.Helper()
	raw, _ := json.Marshal(map[string]string{"command": name, "params": params}) // strings
	if _, err := fmt.Fprintf(s.conn, "%d:%s,", len(raw), raw); err != nil {
		t.Fatalf("baresip %s: %v", name, err)
	}
}

// event waits for an event of this type, such as CALL_INCOMING.
func (s *softphone) event(t *testing.T, within time.Duration, typ string) {
	t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(patience * within))
	for {
		text, err := s.in.ReadString(':')
		if err != nil {
			t.Fatalf("baresip: no %s within %v: %v", typ, patience*within, err)
		}
		n, err := strconv.Atoi(strings.TrimSuffix(text, ":"))
		if err != nil || n > 1<<16 {
			t.Fatalf("baresip says %q", text)
		}
		raw := make([]byte, n+1)
		if _, err := io.ReadFull(s.in, raw); err != nil {
			t.Fatal(err)
		}
		var e struct{ Type string }
		if json.Unmarshal(raw[:n], &e) == nil && e.Type == typ {
			return
		}
	}
}

// heard is the recording of what it received.
func (s *softphone) heard(t *testing.T) []int16 {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(s.dir, "dump-*-dec.wav")) // the pattern is good
	if len(files) == 0 {
		t.Fatal("baresip recorded nothing")
	}
	return samples(t, files[0])
}

// Two foreign softphones: menu key, operator's desktop, tones both ways, hold.
func TestBaresip(t *testing.T) {
	demo(t, "--bots=false")
	agent := baresip(t, "1001", 60, toneFile(t, 700, 10))
	if _, _, ok := agent.until(0, 5*time.Second, func(l string) bool { return strings.Contains(l, "200 OK") }); !ok {
		t.Fatal("baresip did not register")
	}
	d := logIn(t, hubURL, "1001")
	d.ready(t)
	citizen := baresip(t, "cittadino", 0, toneFile(t, 1000, 10))

	citizen.command(t, "dial", "sip:803001@127.0.0.1:5060")
	citizen.event(t, 5*time.Second, "CALL_ESTABLISHED")
	time.Sleep(1500 * time.Millisecond) // the greeting speaks
	citizen.command(t, "sndcode", "1")
	agent.event(t, 8*time.Second, "CALL_INCOMING")
	offer := d.event(t, 2*time.Second, cti.EvDelivered)
	if offer.Ticket == "" || offer.Info == nil || offer.Info.Topic != "previdenza" {
		t.Errorf("the desktop got %+v with %+v, want a ticket and the topic of key 1", offer, offer.Info)
	}
	agent.command(t, "accept", "")
	agent.event(t, 5*time.Second, "CALL_ESTABLISHED")
	d.event(t, 2*time.Second, cti.EvEstablished)
	time.Sleep(3 * time.Second) // they talk
	agent.command(t, "hold", "")
	d.event(t, 3*time.Second, cti.EvHeld)
	time.Sleep(3 * time.Second) // music
	agent.command(t, "resume", "")
	d.event(t, 3*time.Second, cti.EvRetrieved)
	time.Sleep(2500 * time.Millisecond) // they talk again
	citizen.command(t, "hangup", "")
	agent.event(t, 3*time.Second, "CALL_CLOSED")
	d.event(t, 3*time.Second, cti.EvAgentWorkingAfterCall)
	citizen.command(t, "quit", "")
	agent.command(t, "quit", "")
	citizen.exit(t, 5*time.Second)
	agent.exit(t, 5*time.Second)

	judge(t, citizen.heard(t))
	if n := tones(agent.heard(t), 1000); n < 20 {
		t.Errorf("the agent heard the caller's 1000 Hz for %d00 ms, want 2 s before the hold", n)
	}
}

// judge follows what the caller heard: greeting, agent, music, agent.
func judge(t *testing.T, heard []int16) {
	t.Helper()
	r := readings(heard)
	var story []string
	count := 0
	for i := range r {
		now := r[i].Kind.String()
		if now == "tone" {
			now = fmt.Sprintf("tone %d", int(r[i].Hz/20+0.5)*20)
		}
		if len(story) == 0 || story[len(story)-1] != now {
			if count < 5 && len(story) > 0 { // half a second is no chapter
				story = story[:len(story)-1]
			}
			if len(story) == 0 || story[len(story)-1] != now {
				story, count = append(story, now), 0
			}
		}
		count++
	}
	got := strings.Join(story, ", ")
	t.Logf("the caller heard: %s", got)
	if !strings.Contains(got, "speech, tone 700, speech, tone 700") {
		t.Errorf("the caller heard %s; want speech, the agent's 700 Hz, music, 700 Hz again", got)
	}
}
