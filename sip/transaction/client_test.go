package transaction

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestTimersAB_RFC3261_17_1_1_2(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		h.wait(31999 * time.Millisecond)
		h.wantTold()
		h.wait(40 * time.Second)
		h.wantSent("0s INVITE", "500ms INVITE", "1.5s INVITE", "3.5s INVITE", "7.5s INVITE", "15.5s INVITE", "31.5s INVITE")
		h.wantTold("error transaction: timed out")
		h.wantAlive(0, 0)
	})
}

func TestTimersEF_RFC3261_17_1_2_2(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.OPTIONS), udpFlow, h.tu.on)
		h.wait(40 * time.Second)
		h.wantSent("0s OPTIONS", "500ms OPTIONS", "1.5s OPTIONS", "3.5s OPTIONS", "7.5s OPTIONS", "11.5s OPTIONS",
			"15.5s OPTIONS", "19.5s OPTIONS", "23.5s OPTIONS", "27.5s OPTIONS", "31.5s OPTIONS")
		h.wantTold("error transaction: timed out")
		h.wantAlive(0, 0)
	})
}

func TestTimerE_InProceeding(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.BYE), udpFlow, h.tu.on)
		h.wait(600 * time.Millisecond)
		p := h.sent()[0]
		h.receive(udpFlow, reply(p, 100, "x"))
		h.wait(10 * time.Second)
		h.wantSent("1.5s BYE", "5.5s BYE", "9.5s BYE")
		h.receive(udpFlow, reply(p, 200, "x"))
		h.receive(udpFlow, reply(p, 200, "x"))
		h.wantTold("response 100 x", "response 200 x")
		// Timer K: T4.
		h.wait(14999 * time.Millisecond)
		h.wantAlive(0, 1)
		h.wait(15 * time.Second)
		h.wantAlive(0, 0)
		h.wantSent()
	})
}

func TestTimerD_RFC3261_17_1_1_2(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		p := h.sent()[0]
		h.receive(udpFlow, reply(p, 180, "x"))
		h.wait(time.Second)
		h.receive(udpFlow, reply(p, 486, "y"))
		h.wait(2 * time.Second)
		h.receive(udpFlow, reply(p, 486, "y"))
		h.wantTold("response 180 x", "response 486 y")
		acks := h.sent()
		if len(acks) != 2 || acks[0].text != acks[1].text || acks[0].at != time.Second {
			t.Fatalf("sent %v, want the same ACK twice", acks)
		}
		// RFC 3261 17.1.1.3.
		want := "ACK sip:op@10.0.0.9:5062 SIP/2.0\r\n" +
			"Via: " + p.header("Via") + "\r\n" +
			"Max-Forwards: 70\r\n" +
			"Route: <sip:10.0.0.9;lr>\r\n" +
			"From: <sip:10.0.0.1>;tag=ours\r\n" +
			"To: <sip:op@10.0.0.9>;tag=y\r\n" +
			"Call-ID: out1\r\n" +
			"CSeq: 3 ACK\r\n" +
			"Content-Length: 0\r\n\r\n"
		if acks[0].text != want {
			t.Errorf("ACK:\n%s\nwant:\n%s", acks[0].text, want)
		}
		h.wait(32999 * time.Millisecond)
		h.wantAlive(0, 1)
		h.wait(33 * time.Second)
		h.wantAlive(0, 0)
	})
}

func TestAccepted_RFC6026_7_2(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		p := h.sent()[0]
		h.receive(udpFlow, reply(p, 200, "a"))
		h.receive(udpFlow, reply(p, 200, "a")) // repeated
		h.receive(udpFlow, reply(p, 200, "b")) // fork
		h.receive(udpFlow, reply(p, 486, "c")) // of no meaning
		h.wantTold("response 200 a", "response 200 a", "response 200 b")
		h.wait(31999 * time.Millisecond)
		h.wantAlive(0, 1)
		h.wait(32 * time.Second) // timer M
		h.wantAlive(0, 0)
		h.receive(udpFlow, reply(p, 200, "a"))
		h.wantTold("stray 200")
		h.receive(udpFlow, reply(p, 180, "a"))
		h.wantTold()
		h.wantSent() // ACK for a 2xx is the user's
		if got := h.l.Stats().Strays; got != 2 {
			t.Errorf("strays = %d, want 2", got)
		}
	})
}

func TestPipelined183And200(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		for i := range 50 {
			req := outgoing(sip.INVITE)
			callID := sip.CallIDHeader("pipe" + strings.Repeat("x", i))
			req.ReplaceHeader(&callID)
			h.l.Request(req, udpFlow, h.tu.on)
			p := h.sent()[0]
			h.push(udpFlow, reply(p, 183, "a"))
			h.push(udpFlow, reply(p, 200, "a"))
			h.wantTold("response 183 a", "response 200 a")
		}
	})
}

func TestCancel_RFC3261_9_1(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		c := h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		p := h.sent()[0]
		c.Cancel("SIP;cause=200;text=\"Call completed elsewhere\"\r\nX-Evil: 1")
		c.Cancel("")
		h.wait(600 * time.Millisecond)
		h.wantSent("500ms INVITE")
		h.receive(udpFlow, reply(p, 180, "a"))
		got := h.sent()
		if len(got) != 1 {
			t.Fatalf("sent %v, want one CANCEL", got)
		}
		cancel := got[0]
		want := "CANCEL sip:op@10.0.0.9:5062 SIP/2.0\r\n" +
			"Via: " + p.header("Via") + "\r\n" +
			"Max-Forwards: 70\r\n" +
			"Route: <sip:10.0.0.9;lr>\r\n" +
			"From: <sip:10.0.0.1>;tag=ours\r\n" +
			"To: <sip:op@10.0.0.9>\r\n" +
			"Call-ID: out1\r\n" +
			"CSeq: 3 CANCEL\r\n"
		if !strings.HasPrefix(cancel.text, want) || strings.Contains(cancel.text, "\r\nX-Evil") {
			t.Errorf("CANCEL:\n%s\nwant:\n%s", cancel.text, want)
		}
		h.receive(udpFlow, reply(cancel, 200, "a"))
		c.Cancel("again")
		h.receive(udpFlow, reply(p, 487, "a"))
		h.wantTold("response 180 a", "response 487 a")
		h.wantSent("600ms ACK")
		h.wait(time.Minute)
		h.wantSent()
		h.wantAlive(0, 0)
	})
}

func TestCancel_NoFinalResponse(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		c := h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		p := h.sent()[0]
		h.receive(udpFlow, reply(p, 180, "a"))
		h.wait(10 * time.Second)
		c.Cancel("")
		cancel := h.sent()[0]
		h.receive(udpFlow, reply(cancel, 200, "a"))
		h.wait(41999 * time.Millisecond)
		h.wantTold("response 180 a")
		h.wait(42 * time.Second)
		h.wantTold("error transaction: timed out")
		h.wantAlive(0, 0)
		// The 200 that comes after all: the user must end that dialog.
		h.receive(udpFlow, reply(p, 200, "a"))
		h.wantTold("stray 200")
	})
}

func TestCancel_Crossed200(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		c := h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		p := h.sent()[0]
		h.receive(udpFlow, reply(p, 180, "a"))
		c.Cancel("")
		h.receive(udpFlow, reply(p, 200, "a"))
		h.wantTold("response 180 a", "response 200 a")
		h.wantSent("0s CANCEL")
		h.wait(2 * time.Minute)
		h.wantTold() // neither timer X nor the unanswered CANCEL is of interest
		h.wantAlive(0, 0)
	})
}

func TestReliableClient(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.INVITE), tcpFlow, h.tu.on)
		p := h.sent()[0]
		if via := p.header("Via"); !strings.HasPrefix(via, "SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK") {
			t.Errorf("Via = %s", via)
		}
		h.wait(10 * time.Second)
		h.wantSent()
		h.receive(tcpFlow, reply(p, 404, "a")) // timer D is 0
		h.wantSent("10s ACK")
		h.wantAlive(0, 0)
		h.l.Request(outgoing(sip.BYE), tcpFlow, h.tu.on)
		h.receive(tcpFlow, reply(h.sent()[0], 200, "a")) // timer K is 0
		h.wantAlive(0, 0)
		h.wantTold("response 404 a", "response 200 a")
		h.l.Request(outgoing(sip.INFO), tcpFlow, h.tu.on)
		h.wait(time.Minute)
		h.wantSent("10s INFO")
		h.wantTold("error transaction: timed out")
	})
}

func TestTransportErrors_RFC3261_17_1_4(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.INVITE), tcpFlow, h.tu.on)
		h.receive(tcpFlow, reply(h.sent()[0], 180, "a"))
		h.wantTold("response 180 a")
		h.l.Closed(udpFlow)
		h.wantTold()
		h.l.Closed(tcpFlow)
		h.wantTold("error transaction: transport failed")

		h.mu.Lock()
		h.sendErr = errors.New("no route")
		h.mu.Unlock()
		h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		h.l.Request(outgoing(sip.BYE), udpFlow, h.tu.on)
		h.wantTold("error transaction: transport failed", "error transaction: transport failed")
		h.wantAlive(0, 0)
		if got := h.l.Stats().SendErrors; got != 2 {
			t.Errorf("send errors = %d, want 2", got)
		}
	})
}

func TestRequest_Incomplete(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		req := outgoing(sip.INVITE)
		req.RemoveHeader("To")
		h.l.Request(req, udpFlow, h.tu.on).Cancel("")
		mismatch := outgoing(sip.INVITE)
		mismatch.CSeq().MethodName = sip.BYE
		h.l.Request(mismatch, udpFlow, nil)
		if err := h.l.SendAck(udpFlow, req); !errors.Is(err, ErrRequest) {
			t.Errorf("SendAck: %v, want ErrRequest", err)
		}
		h.wantTold("error transaction: request is incomplete")
		h.wantSent()
		h.wantAlive(0, 0)
	})
}

func TestSendAck(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		if err := h.l.SendAck(udpFlow, outgoing(sip.ACK)); err != nil {
			t.Fatal(err)
		}
		h.l.Request(outgoing(sip.BYE), udpFlow, nil)
		h.wantSent("0s ACK", "0s BYE")
		h.wait(time.Minute)
	})
}

func TestClose_TellsClients(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		h.wantSent("0s INVITE")
		h.l.Close()
		h.wantTold("error transaction: layer closed")
		h.wantAlive(0, 0)
		h.l.Request(outgoing(sip.INVITE), udpFlow, h.tu.on)
		h.wantTold("error transaction: layer closed")
	})
}

func TestRequest_NoInjection(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		req := outgoing(sip.MESSAGE)
		req.AppendHeader(sip.NewHeader("User-to-User", "00ab\r\nContact: <sip:evil@h>\r\n\r\nbody"))
		req.From().DisplayName = "A\r\nEvil: 1"
		req.Recipient.User = "op\r\nEvil: 2"
		req.SetBody([]byte("hi\r\nthere"))
		h.l.Request(req, udpFlow, nil)
		p := h.sent()[0]
		head, body, _ := strings.Cut(p.text, "\r\n\r\n")
		if strings.Contains(head, "\r\nEvil") || strings.Contains(head, "\r\nContact") || body != "hi\r\nthere" || p.header("Content-Length") != "9" {
			t.Errorf("sent:\n%s", p.text)
		}
		if strings.Count(head, "Content-Length") != 1 || strings.Count(head, "Max-Forwards: 70") != 1 {
			t.Errorf("headers missing or twice:\n%s", head)
		}
	})
}
