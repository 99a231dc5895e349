package node

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// pipelined is how often each pair is sent.
const pipelined = 40

// A pipe is the far end of a trunk over TCP, byte by byte.
type pipe struct {
	t    *testing.T
	c    net.Conn
	fr   wire.Framer
	wait time.Duration
}

// next is the next message, nil when none comes in time.
func (p *pipe) next() *wire.Message {
	p.t.Helper()
	for {
		b, err := p.fr.Next()
		if err != nil {
			p.t.Fatal(err)
		}
		if b != nil {
			m := new(wire.Message)
			if err := m.Parse(slices.Clone(b)); err != nil {
				p.t.Fatalf("%v\n%s", err, b)
			}
			return m
		}
		_ = p.c.SetReadDeadline(time.Now().Add(p.wait)) // in memory it cannot fail
		n, err := p.c.Read(p.fr.Space())
		if err != nil {
			return nil
		}
		p.fr.Filled(n)
	}
}

// until reads on to a message that starts with what and tells all that came.
func (p *pipe) until(what string) (last *wire.Message, all []string) {
	p.t.Helper()
	for m := p.next(); m != nil; m = p.next() {
		line, _, _ := strings.Cut(string(m.Raw()), "\r\n")
		all = append(all, strings.TrimPrefix(line, "SIP/2.0 "))
		if strings.HasPrefix(all[len(all)-1], what) {
			return m, all
		}
	}
	p.t.Fatalf("no %q; came %q", what, all)
	return nil, nil
}

func (p *pipe) write(text string) {
	p.t.Helper()
	if _, err := p.c.Write([]byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// request writes a request of call number i to a user; branch numbers the transaction.
func request(method, user string, i, cseq, branch int, toTag, body string) string {
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	return fmt.Sprintf("%s sip:%s@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.3.1:5060;branch=z9hG4bK-o-%d-%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:+390831000111@10.0.3.1>;tag=f%d\r\nTo: <sip:%s@10.0.0.1>%s\r\nCall-ID: order-%d\r\nCSeq: %d %s\r\n"+
		"Contact: <sip:urp@10.0.3.1:5060;transport=tcp>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, user, i, branch, i, user, toTag, i, cseq, method, kind, len(body), body)
}

// withTCPTrunk runs f against the hub, whose trunk to Brindisi is TCP.
func withTCPTrunk(t *testing.T, f func(w *world, ln net.Listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = slices.Clone(cfg.Trunks)
		for i := range cfg.Trunks {
			cfg.Trunks[i].Address.Transport = "tcp"
		}
		o := &site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub")}
		o.health.Interval = 24 * time.Hour
		ln, err := w.net.ListenTCP(brindisiIP + ":5060")
		if err != nil {
			t.Fatal(err)
		}
		w.run(o, cfg)
		f(w, ln)
		ln.Close()
		time.Sleep(settle)
		o.check()
		o.stop()
	})
}

// INVITE and CANCEL, then ACK and BYE, each pair in one segment: the second is never
// handled before the first.
func TestOrderOfRequests(t *testing.T) {
	withTCPTrunk(t, func(w *world, _ net.Listener) {
		c, err := w.net.Dialer(netip.MustParseAddr(brindisiIP))(context.Background(), "tcp", w.nodes["hub"].addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p := &pipe{t: t, c: c, wait: 5 * time.Second}
		w.actor("a1").register(time.Hour) // its telephone rings and answers to nobody
		for i := range pipelined {
			p.write(request("INVITE", "1001", i, 1, 1, "", rawSDP) + request("CANCEL", "1001", i, 1, 1, "", ""))
			final, all := p.until("487")
			if got := strings.Join(all, ", "); !strings.Contains(got, "200 OK") || strings.Contains(got, "481") {
				t.Fatalf("INVITE and CANCEL in one segment: %s", got)
			}
			_, tag, _ := strings.Cut(string(final.Header("To")), ";")
			p.write(request("ACK", "1001", i, 1, 1, ";"+tag, ""))
		}
		for i := pipelined; i < 2*pipelined; i++ {
			p.write(request("INVITE", "803001", i, 1, 1, "", rawSDP))
			ok, _ := p.until("200")
			_, tag, _ := strings.Cut(string(ok.Header("To")), ";")
			p.write(request("ACK", "803001", i, 1, 2, ";"+tag, "") + request("BYE", "803001", i, 2, 3, ";"+tag, ""))
			if _, all := p.until("200"); len(all) != 1 {
				t.Fatalf("ACK and BYE in one segment: %q", all)
			}
		}
	})
}

// 183 and 200 of a callee in one segment: the caller gets its early media before the
// answer, each time.
func TestOrderOfResponses(t *testing.T) {
	withTCPTrunk(t, func(w *world, ln net.Listener) {
		go func() { // ends when the connection or the listener is closed
			c, err := ln.Accept()
			if err != nil {
				return
			}
			brindisi(t, &pipe{t: t, c: c, wait: time.Hour})
		}()
		station := w.actor("a1")
		station.register(time.Hour)
		var mu sync.Mutex
		got := map[string][]int{}
		w.net.Tap(func(from, to netip.AddrPort, b []byte) {
			var m wire.Message
			if to != station.ua.Addr() || m.Parse(b) != nil || m.CSeqMethod() != wire.Invite || m.IsRequest() {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if s := m.Status(); s > 100 && s != 401 && !slices.Contains(got[string(m.CallID())], s) {
				got[string(m.CallID())] = append(got[string(m.CallID())], s)
			}
		})
		for range pipelined {
			call := station.ua.Invite("sip:+390831000111@10.0.0.1", w.nodes["hub"].addr())
			if call.Established(5*time.Second) == nil {
				t.Fatal("no answer")
			}
			time.Sleep(100 * time.Millisecond)
			call.Bye()
			time.Sleep(100 * time.Millisecond)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(got) != pipelined {
			t.Fatalf("%d calls heard of, want %d", len(got), pipelined)
		}
		for id, s := range got {
			if !slices.Equal(s, []int{183, 200}) {
				t.Errorf("%s: %v, want 183 and 200", id, s)
			}
		}
	})
}

// brindisi answers each INVITE with 183 and 200 in one segment, all else with 200.
func brindisi(t *testing.T, p *pipe) {
	for m := p.next(); m != nil; m = p.next() {
		switch {
		case !m.IsRequest(), m.Method() == wire.Ack:
		case m.Method() == wire.Invite:
			reply := func(status int, reason string) string {
				b := string(wire.AppendReply(nil, m, status, reason, "b"))
				head, _, _ := strings.Cut(b, "Content-Length: 0")
				return fmt.Sprintf("%sContact: <sip:urp@10.0.3.1:5060;transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", head, len(rawSDP), rawSDP)
			}
			p.write(reply(183, "Session Progress") + reply(200, "OK"))
		default:
			p.write(string(wire.AppendReply(nil, m, 200, "OK", "b")))
		}
	}
}
