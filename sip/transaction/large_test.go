package transaction

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// streams answers Config.Stream after a while.
func streams(after time.Duration, err error) func(context.Context, flow.Flow) (flow.Flow, error) {
	return func(ctx context.Context, _ flow.Flow) (flow.Flow, error) {
		select {
		case <-time.After(after):
			return tcpFlow, err
		case <-ctx.Done():
			return flow.Flow{}, ctx.Err()
		}
	}
}

// large is a request of more than 1300 octets.
func large(method sip.RequestMethod) *sip.Request {
	req := outgoing(method)
	req.AppendHeader(sip.NewHeader("Subject", strings.Repeat("x", 1300)))
	return req
}

func TestLargeRequest_RFC3261_18_1_1(t *testing.T) {
	bubble(t, Config{Stream: streams(100*time.Millisecond, nil)}, func(h *harness) {
		h.l.Request(outgoing(sip.OPTIONS), udpFlow, h.tu.on)
		if p := h.sent(); len(p) != 1 || p[0].flow != udpFlow {
			t.Fatalf("a small request: %+v", p)
		}
		h.l.Request(large(sip.INVITE), udpFlow, h.tu.on)
		if p := h.sent(); len(p) != 0 {
			t.Fatalf("it left before there was a connection: %+v", p)
		}
		h.wait(time.Second)
		var p packet
		for _, one := range h.sent() {
			if one.flow == tcpFlow {
				p = one
			}
		}
		if via := p.header("Via"); !strings.HasPrefix(via, "SIP/2.0/TCP "+tcpFlow.Local.String()+";branch=") {
			t.Errorf("Via is %q", via)
		}
		h.receive(tcpFlow, reply(p, 486, "x"))
		if got := h.sent(); len(got) != 1 || got[0].flow != tcpFlow || !strings.HasPrefix(got[0].text, "ACK ") {
			t.Errorf("the ACK: %+v", got)
		}
		h.wantTold("response 486 x")
		h.wait(time.Minute)
	})
}

// Without a connection it is a large datagram, as before.
func TestLargeRequestWithoutStream(t *testing.T) {
	bubble(t, Config{Stream: streams(time.Second, errors.New("refused"))}, func(h *harness) {
		h.l.Request(large(sip.OPTIONS), udpFlow, h.tu.on)
		h.wait(1100 * time.Millisecond)
		p := h.sent()
		if len(p) != 1 || p[0].flow != udpFlow || !strings.HasPrefix(p[0].header("Via"), "SIP/2.0/UDP ") {
			t.Fatalf("got %+v", p)
		}
		h.receive(udpFlow, reply(p[0], 200, "x"))
		h.wantTold("response 200 x")
		h.wait(time.Minute)
	})
}

// Who gives up while the connection is being made is heard: CANCEL follows the first 1xx.
func TestLargeRequestCancelled(t *testing.T) {
	bubble(t, Config{Stream: streams(time.Second, nil)}, func(h *harness) {
		c := h.l.Request(large(sip.INVITE), udpFlow, h.tu.on)
		c.Cancel("SIP;cause=200")
		h.wait(1100 * time.Millisecond)
		p := h.sent()
		if len(p) != 1 || p[0].flow != tcpFlow {
			t.Fatalf("got %+v", p)
		}
		h.receive(tcpFlow, reply(p[0], 180, "x"))
		got := h.sent()
		if len(got) != 1 || !strings.HasPrefix(got[0].text, "CANCEL ") || got[0].header("Reason") != "SIP;cause=200" {
			t.Errorf("got %+v", got)
		}
		h.receive(tcpFlow, reply(p[0], 487, "x"))
		h.wait(time.Minute)
	})
}

func TestLargeRequestAndClose(t *testing.T) {
	bubble(t, Config{Stream: streams(time.Hour, nil)}, func(h *harness) {
		h.l.Request(large(sip.INVITE), udpFlow, h.tu.on)
		h.l.Close()
		h.l.Request(large(sip.INVITE), udpFlow, h.tu.on)
		h.wantTold("error transaction: layer closed", "error transaction: layer closed")
	})
}
