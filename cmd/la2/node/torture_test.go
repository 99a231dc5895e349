package node

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// What a torture message leads to is written down once, for people and for this
// test: the rows of docs/torture.md.
const tortureTable = "../../../docs/torture.md"

// tortureDomains are the hosts in the Request-URIs of the messages: the node
// answers for them, so that each message gets as far as it can.
var tortureDomains = []string{"example.com", "example.net", "example.org", "company.com", "host.example.com",
	"chair-dnrc.example.com", "registrar.example.com", "biloxi.example.com", "services.example.com", "chicago.example.com", "host.example.net"}

// A tortureCase is one row of the table.
type tortureCase struct {
	file     string // below testdata/sip/torture
	udp, tcp string // statuses in order, "silence"; over TCP "closed" may follow
}

func tortureCases(t *testing.T) []tortureCase {
	t.Helper()
	text, err := os.ReadFile(tortureTable)
	if err != nil {
		t.Fatal(err)
	}
	var out []tortureCase
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`rfc") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, tortureCase{file: strings.Trim(cells[1], "`"), udp: cells[3], tcp: cells[4]})
	}
	return out
}

// A listener hears what a node sends to one host. What leaves us must be well formed,
// but for what a refusal repeats of the request that it refuses.
type listener struct {
	t   *testing.T
	mu  sync.Mutex // guards to, got
	to  netip.Addr
	got []string // statuses
}

func (l *listener) tap(from, to netip.AddrPort, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from.Addr() != netip.MustParseAddr(hubIP) || to.Addr() != l.to {
		return
	}
	var m wire.Message
	if err := m.Parse(b); err != nil && m.Status() != 400 && m.Status() != 505 {
		l.t.Errorf("we sent a malformed message: %v\n%s", err, b)
		return
	}
	what := strconv.Itoa(m.Status())
	if !slices.Contains(l.got, what) { // an answer that is sent again is one answer
		l.got = append(l.got, what)
	}
}

func (l *listener) heard() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.got) == 0 {
		return "silence"
	}
	return strings.Join(l.got, " ")
}

func (l *listener) aim(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to, l.got = a, nil
}

// TestTorture_RFC4475_RFC5118 sends every message of both RFCs to a whole node, over
// UDP and over TCP, and compares what comes back with docs/torture.md. None is left
// out; after each the node still answers.
func TestTorture_RFC4475_RFC5118(t *testing.T) {
	cases := tortureCases(t)
	files, err := filepath.Glob("../../../testdata/sip/torture/*/*.dat")
	if err != nil || len(files) != 49+12 || len(cases) != len(files) {
		t.Fatalf("%d rows for %d messages, want 61 (%v)", len(cases), len(files), err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.SIP.Domains = append(cfg.SIP.Domains, tortureDomains...)
		cfg.SIP.Shield.Exempt = []netip.Prefix{netip.MustParsePrefix("10.7.0.0/16")} // each sends once; see TestNoAmplificationOfAnyKind
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub")}, cfg)
		ear := &listener{t: t}
		w.net.Tap(ear.tap)
		for i, c := range cases {
			raw, err := os.ReadFile("../../../testdata/sip/torture/" + c.file + ".dat")
			if err != nil {
				t.Error(err)
				continue
			}
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 7, 0, byte(i + 1)}), 5060)
			ear.aim(from.Addr())
			w.net.Inject(from, o.addr(), raw)
			time.Sleep(40 * time.Second)
			if got := ear.heard(); got != c.udp {
				t.Errorf("%s over UDP: got %s, want %s", c.file, got, c.udp)
			}
			if got := w.overTCP(netip.AddrFrom4([4]byte{10, 7, 1, byte(i + 1)}), raw); got != c.tcp {
				t.Errorf("%s over TCP: got %s, want %s", c.file, got, c.tcp)
			}
			r := w.raw(fmt.Sprintf("10.7.2.%d:5060", i+1))
			if res := r.final(r.request("OPTIONS", "sip:10.0.0.1")); res.StatusCode != 200 {
				t.Fatalf("after %s: OPTIONS gets %d", c.file, res.StatusCode)
			}
		}
		if s := o.flows.Stats(); s.Panics != 0 {
			t.Errorf("%d panics", s.Panics)
		}
		if s := o.tx.Stats(); s.Panics != 0 {
			t.Errorf("%d panics", s.Panics)
		}
		o.stop()
	})
}

// overTCP sends raw on a connection of its own and tells what came back and whether
// the node closed it within 40 s, which is longer than any half message may take.
func (w *world) overTCP(from netip.Addr, raw []byte) string {
	w.t.Helper()
	c, err := w.net.Dialer(from)(context.Background(), "tcp", w.nodes["hub"].addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(raw); err != nil {
		return "closed"
	}
	_ = c.SetReadDeadline(time.Now().Add(40 * time.Second)) // in memory it cannot fail
	var all bytes.Buffer
	_, err = all.ReadFrom(c)
	var fr wire.Framer
	var out []string
	for rest := all.Bytes(); len(rest) > 0; {
		n := copy(fr.Space(), rest)
		fr.Filled(n)
		rest = rest[n:]
		for {
			b, err := fr.Next()
			if err != nil || b == nil {
				if err != nil {
					w.t.Errorf("we sent a malformed stream: %v", err)
				}
				break
			}
			var m wire.Message
			if err := m.Parse(b); err != nil && m.Status() != 400 && m.Status() != 505 {
				w.t.Errorf("we sent a malformed message: %v\n%s", err, b)
			}
			if s := strconv.Itoa(m.Status()); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		out = []string{"silence"}
	}
	if err == nil { // end of stream before the deadline
		out = append(out, "closed")
	}
	return strings.Join(out, " ")
}
