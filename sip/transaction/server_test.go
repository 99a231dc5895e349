package transaction

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// ackFor makes the ACK for a response of ours; a failure's has the branch of its INVITE.
func ackFor(p packet, branch string) string {
	return incoming("ACK", branch, 1, "To: "+p.header("To"))
}

func TestInvite_100AtOnce(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.wantTold("request INVITE")
		got := h.sent()
		if len(got) != 1 || got[0].start() != "SIP/2.0 100 Trying" || got[0].flow != udpFlow {
			t.Fatalf("sent %v, want one 100", got)
		}
		if to := got[0].header("To"); strings.Contains(to, "tag=") {
			t.Errorf("To of 100 = %s, want no tag", to)
		}
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.wantTold()
		h.wantSent("0s 100")
	})
}

func TestOneTag_RFC3261_8_2_6(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		var tx *Server
		h.tu.onRequest = func(s *Server) { tx = s }
		h.tu.onCancel = func(s *Server) { s.Respond(487, "") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.sent()
		tx.Respond(180, "")
		tx.Respond(183, "Progress", sip.NewHeader("X-A", "1\r\nEvil: 2"))
		h.receive(udpFlow, incoming("INVITE", "i", 1)) // repeated: the last 1xx
		h.receive(udpFlow, incoming("CANCEL", "i", 1))
		h.receive(udpFlow, incoming("CANCEL", "i", 1)) // repeated: absorbed
		h.wantTold("request INVITE", "cancel")
		got := h.sent()
		var starts []string
		for _, p := range got {
			starts = append(starts, p.start())
			if want := "<sip:803001@10.0.0.1>;tag=" + tx.Tag(); p.header("To") != want {
				t.Errorf("To of %s = %s, want %s", p.start(), p.header("To"), want)
			}
		}
		want := "SIP/2.0 180 Ringing, SIP/2.0 183 Progress, SIP/2.0 183 Progress, SIP/2.0 200 OK, SIP/2.0 487 Request Terminated, SIP/2.0 200 OK"
		if s := strings.Join(starts, ", "); s != want {
			t.Errorf("sent %s\nwant %s", s, want)
		}
		if strings.Contains(got[1].text, "\r\nEvil") {
			t.Errorf("a header value began a header:\n%s", got[1].text)
		}
		h.receive(udpFlow, ackFor(got[4], "i"))
		h.wantTold()             // ACK for a failure is the layer's
		h.wait(5 * time.Second)  // timer I
		h.wantAlive(1, 0)        // CANCEL
		h.wait(32 * time.Second) // timer J
		h.wantAlive(0, 0)
	})
}

func TestTimersGH_RFC3261_17_2_1(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(486, "") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.wait(31999 * time.Millisecond)
		h.wantAlive(1, 0)
		h.wait(40 * time.Second)
		h.wantSent("0s 100", "0s 486", "500ms 486", "1.5s 486", "3.5s 486", "7.5s 486", "11.5s 486", "15.5s 486", "19.5s 486",
			"23.5s 486", "27.5s 486", "31.5s 486")
		h.wantTold("request INVITE")
		h.wantAlive(0, 0)
	})
}

func TestTimerI_RFC3261_17_2_1(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(486, "") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.wait(time.Second)
		h.receive(udpFlow, ackFor(h.sent()[1], "i"))
		h.receive(udpFlow, incoming("INVITE", "i", 1)) // overtaken: absorbed
		h.wait(5999 * time.Millisecond)
		h.wantSent()
		h.wantAlive(1, 0)
		h.wait(6 * time.Second)
		h.wantAlive(0, 0)
	})
}

func TestUnacked_RFC3261_13_3_1_4(t *testing.T) {
	for name, f := range map[string]flow.Flow{"UDP": udpFlow, "TCP": tcpFlow} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(h *harness) {
				h.tu.onRequest = func(s *Server) { s.Respond(200, "") }
				h.receive(f, incoming("INVITE", "i", 1))
				h.receive(f, incoming("INVITE", "i", 1)) // RFC 6026 7.1: absorbed
				h.wait(31999 * time.Millisecond)
				h.wantTold("request INVITE")
				h.wait(40 * time.Second)
				h.wantSent("0s 100", "0s 200", "500ms 200", "1.5s 200", "3.5s 200", "7.5s 200", "11.5s 200", "15.5s 200", "19.5s 200",
					"23.5s 200", "27.5s 200", "31.5s 200")
				h.wantTold("unacked")
				h.wantAlive(0, 0)
				if s := h.l.Stats(); s.Unacked != 1 || s.Resent != 10 {
					t.Errorf("stats = %+v", s)
				}
			})
		})
	}
}

func TestAck_2xx(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(200, "") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		ok := h.sent()[1]
		h.wait(600 * time.Millisecond)
		h.wantSent("500ms 200")
		// Another dialog's ACK does not stop it.
		h.receive(udpFlow, incoming("ACK", "other", 1, "To: <sip:803001@10.0.0.1>;tag=nobody"))
		h.receive(udpFlow, incoming("ACK", "other", 2, "To: "+ok.header("To")))
		h.wait(2 * time.Second)
		h.wantSent("1.5s 200")
		h.receive(udpFlow, ackFor(ok, "a"))
		h.receive(udpFlow, ackFor(ok, "a"))
		h.receive(udpFlow, incoming("CANCEL", "i", 1)) // too late: 200, no word to the user
		h.wantTold("request INVITE", "ack 1", "ack 2", "ack 1", "ack 1")
		h.wait(31999 * time.Millisecond)
		h.wantSent("2s 200")
		h.wantAlive(2, 0)
		h.wait(32 * time.Second) // timer L
		h.wantAlive(1, 0)
		h.wait(time.Minute)
		h.wantAlive(0, 0)
		h.wantTold()
	})
}

// An ACK for a 2xx with the branch of its INVITE, as some clients send it.
func TestAck_SameBranch(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(200, "") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.receive(udpFlow, ackFor(h.sent()[1], "i"))
		h.wait(10 * time.Second)
		h.wantSent()
		h.wantTold("request INVITE", "ack 1")
	})
}

// What has the branch of the INVITE but another To tag, as the ACK of an earlier refusal has,
// or cannot be read, acknowledges no 2xx: it goes on, and the user hears in the end.
func TestAck_NotOfThis2xx(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(200, "") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		ok := h.sent()[1]
		h.receive(udpFlow, incoming("ACK", "i", 1, "To: <sip:803001@10.0.0.1>;tag=nobody"))
		h.receive(udpFlow, incoming("ACK", "a", 1, "To: "+ok.header("To"), "Contact: <sip:a@[::1"))
		h.wait(600 * time.Millisecond)
		h.wantSent("500ms 200")
		h.wait(time.Minute)
		h.wantTold("request INVITE", "ack 1", "unacked")
	})
}

func TestTimerJ_RFC3261_17_2_2(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(200, "") }
		h.receive(udpFlow, incoming("OPTIONS", "o", 1))
		h.wait(time.Second)
		h.receive(udpFlow, incoming("OPTIONS", "o", 1))
		h.wantSent("0s 200", "1s 200")
		h.wantTold("request OPTIONS")
		h.wait(31999 * time.Millisecond)
		h.wantAlive(1, 0)
		h.wait(32 * time.Second)
		h.wantAlive(0, 0)
	})
}

func TestReliableServer(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) { s.Respond(404, "") }
		h.receive(tcpFlow, incoming("OPTIONS", "o", 1)) // timer J is 0
		h.wantAlive(0, 0)
		h.receive(tcpFlow, incoming("INVITE", "i", 1))
		h.wait(10 * time.Second)
		got := h.sent()
		if len(got) != 3 || got[2].start() != "SIP/2.0 404 Not Found" || got[2].flow != tcpFlow {
			t.Fatalf("sent %v, want 404, 100, 404: no timer G", got)
		}
		h.receive(tcpFlow, ackFor(got[2], "i")) // timer I is 0
		h.wantAlive(0, 0)
	})
}

// A user that forgets a request leaks nothing.
func TestForgottenRequest(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.receive(tcpFlow, incoming("INFO", "o", 1))
		h.wait(31999 * time.Millisecond)
		h.wantAlive(1, 0)
		h.wait(32 * time.Second)
		h.wantAlive(0, 0)
		h.wantSent()
	})
}

func TestCancel_Unmatched(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.receive(udpFlow, incoming("CANCEL", "i", 1))
		h.wantSent("0s 481")
		h.wantTold()
		h.wantAlive(0, 0)
	})
}

func TestPipelinedInviteCancelAndAckBye(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		var tag string
		h.tu.onRequest = func(s *Server) { tag = s.Tag() }
		h.tu.onCancel = func(s *Server) { s.Respond(487, "") }
		h.push(udpFlow, incoming("INVITE", "i", 1))
		h.push(udpFlow, incoming("CANCEL", "i", 1))
		h.wantTold("request INVITE", "cancel")
		h.wantSent("0s 100", "0s 200", "0s 487")
		h.push(udpFlow, incoming("ACK", "x", 9, "To: <sip:803001@10.0.0.1>;tag="+tag))
		h.push(udpFlow, incoming("BYE", "y", 10, "To: <sip:803001@10.0.0.1>;tag="+tag))
		h.wantTold("ack 9", "request BYE")
		h.receive(udpFlow, incoming("ACK", "i", 1, "To: <sip:803001@10.0.0.1>;tag="+tag))
		h.wait(time.Minute)
	})
}

func TestMerged_RFC3261_8_2_2_2(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.receive(udpFlow, incoming("INVITE", "one", 1))
		h.receive(udpFlow, incoming("INVITE", "two", 1))
		h.wantTold("request INVITE")
		h.wantSent("0s 100", "0s 482")
		// With a To tag, or another CSeq, it is a request of its own.
		h.receive(udpFlow, incoming("INVITE", "three", 2))
		h.receive(udpFlow, incoming("INFO", "four", 1, "To: <sip:a@b>;tag=t"))
		h.wantTold("request INVITE", "request INFO")
		if got := h.l.Stats().Merged; got != 1 {
			t.Errorf("merged = %d, want 1", got)
		}
	})
}

func TestPanicEndsOnlyItsTransaction(t *testing.T) {
	bubble(t, Config{Shards: 1}, func(h *harness) {
		h.tu.onRequest = func(s *Server) {
			if s.Request().Method != sip.OPTIONS {
				panic("bug")
			}
			s.Respond(200, "")
		}
		h.tu.onAck = func(*sip.Request) { panic("bug") }
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.receive(udpFlow, incoming("ACK", "a", 7, "To: <sip:a@b>;tag=t"))
		h.receive(udpFlow, incoming("OPTIONS", "o", 2))
		h.wantSent("0s 100", "0s 500", "0s 200")
		h.l.Request(outgoing(sip.BYE), udpFlow, func(ClientEvent) { panic("bug") })
		h.receive(udpFlow, reply(h.sent()[0], 200, "x"))
		if got := h.l.Stats().Panics; got != 3 {
			t.Errorf("panics = %d, want 3", got)
		}
		h.wait(time.Minute)
		h.wantAlive(0, 0)
	})
}

func TestResponseGoesBack_RFC3261_18_2_2(t *testing.T) {
	tests := []struct {
		name, via string
		port      uint16
		stamped   string
	}{
		{"rport: to the source (RFC 3581 4)", "SIP/2.0/UDP 192.168.1.5:5999;rport;branch=z9hG4bK1", 5062, ";rport=5062"},
		{"no rport: to the port of sent-by", "SIP/2.0/UDP 10.0.0.9:5999;branch=z9hG4bK2", 5999, ""},
		{"no port: 5060", "SIP/2.0/UDP phone.example.it;branch=z9hG4bK3", 5060, ";received=10.0.0.9"},
		{"maddr is not followed", "SIP/2.0/UDP 10.0.0.9:5999;maddr=239.1.1.1;branch=z9hG4bK4", 5999, ""},
		{"a received of the sender is replaced", "SIP/2.0/UDP h;received=1.2.3.4;rport;branch=z9hG4bK5", 5062, ";received=10.0.0.9"},
	}
	for _, tt := range tests {
		bubble(t, Config{}, func(h *harness) {
			h.tu.onRequest = func(s *Server) { s.Respond(480, "") }
			h.receive(udpFlow, strings.Replace(incoming("INVITE", "x", 1), "SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bKx", tt.via, 1))
			for _, p := range h.sent() {
				if p.flow.Remote.Addr() != udpFlow.Remote.Addr() || p.flow.Remote.Port() != tt.port {
					t.Errorf("%s: %s to %v, want port %d", tt.name, p.start(), p.flow.Remote, tt.port)
				}
				if via := p.header("Via"); !strings.Contains(via, tt.stamped) || strings.Contains(via, "1.2.3.4") {
					t.Errorf("%s: %s has Via %s, want %s in it", tt.name, p.start(), via, tt.stamped)
				}
			}
		})
	}
}

func TestRequest_CompactNamesAndCase(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		var req *sip.Request
		h.tu.onRequest = func(s *Server) { req = s.Request() }
		h.receive(udpFlow, msg("REFER sip:a@10.0.0.1 SIP/2.0",
			"v: SIP/2.0/UDP 10.0.0.9:5062;rport;branch=z9hG4bKr", "f: <sip:x@y>;TAG=F", "t: <sip:a@b>;Tag=T", "i: c9",
			"CSeq: 1 REFER", "m: <sip:x@10.0.0.9>", "k: replaces", "r: <sip:z@w>", "b: <sip:x@y>", "l: 0"))
		if req == nil {
			t.Fatal("no request")
		}
		for _, name := range []string{"Supported", "Refer-To", "Referred-By", "Contact", "Content-Length"} {
			if req.GetHeader(name) == nil {
				t.Errorf("no %s in\n%s", name, req)
			}
		}
		if tag, _ := req.To().Params.Get("tag"); tag != "T" {
			t.Errorf("To tag = %q, want T", tag)
		}
	})
}

func TestOverload(t *testing.T) {
	bubble(t, Config{Shards: 1, Inbox: 2}, func(h *harness) {
		gate := make(chan struct{})
		h.tu.onRequest = func(s *Server) {
			if s.Request().Method == sip.PUBLISH {
				<-gate // a user that blocks: the queue grows
			}
		}
		go h.push(udpFlow, incoming("PUBLISH", "p", 1)) // ends when the gate opens
		synctest.Wait()
		h.push(udpFlow, incoming("INVITE", "i1", 2))
		h.push(udpFlow, incoming("INVITE", "i2", 3))
		h.push(udpFlow, incoming("INVITE", "i3", 4))
		h.push(udpFlow, incoming("INVITE", "i1", 2)) // repeated, and no new call: not refused
		h.push(udpFlow, incoming("CANCEL", "i1", 2))
		h.push(udpFlow, incoming("BYE", "b", 5, "To: <sip:a@b>;tag=t"))
		h.push(udpFlow, incoming("INVITE", "r", 6, "To: <sip:a@b>;tag=t"))
		for range 20 {
			h.push(udpFlow, incoming("OPTIONS", "o", 7))
		}
		close(gate)
		h.wantTold("request PUBLISH", "request INVITE", "request INVITE", "cancel", "request BYE", "request INVITE")
		got := h.sent()
		if p := got[2]; p.start() != "SIP/2.0 503 Service Unavailable" || p.header("Retry-After") != "5" || !strings.Contains(p.header("Via"), "z9hG4bKi3") {
			t.Errorf("third answer:\n%s\nwant 503 to i3", p.text)
		}
		if s := h.l.Stats(); s.Shed != 2 || s.Dropped != 19 {
			t.Errorf("shed %d, dropped %d; want 2, 19", s.Shed, s.Dropped)
		}
		h.tu.onRequest = func(s *Server) { s.Respond(200, "") }
		h.receive(udpFlow, incoming("OPTIONS", "again", 8))
		h.wantTold("request OPTIONS")
	})
}

func TestReply_OneFinal(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		h.tu.onRequest = func(s *Server) {
			s.Respond(486, "")
			s.Respond(200, "")
			s.Respond(180, "")
		}
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.wantSent("0s 100", "0s 486")
		if got := h.l.Stats().Ignored; got != 2 {
			t.Errorf("ignored = %d, want 2", got)
		}
	})
}

func TestNewResponse_RFC3261_8_2_6_2(t *testing.T) {
	bubble(t, Config{Tag: func() string { return "T" }}, func(h *harness) {
		h.tu.onRequest = func(s *Server) {
			res := s.NewResponse(200, "")
			res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
			res.SetBody([]byte("v=0\r\n"))
			s.Reply(res)
		}
		h.receive(udpFlow, strings.Replace(incoming("INVITE", "i", 1, "Record-Route: <sip:p1;lr>", "Record-Route: <sip:p2;lr>"),
			"Max-Forwards", "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKfirst\r\nMax-Forwards", 1))
		got := h.sent()[1].text
		want := "SIP/2.0 200 OK\r\n" +
			"Via: SIP/2.0/UDP 10.0.0.9:5062;rport=5062;branch=z9hG4bKi;received=10.0.0.9\r\n" +
			"Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKfirst\r\n" +
			"From: <sip:ada@10.0.0.9>;tag=far\r\n" +
			"Call-ID: c1\r\n" +
			"CSeq: 1 INVITE\r\n" +
			"To: <sip:803001@10.0.0.1>;tag=T\r\n" +
			"Record-Route: <sip:p1;lr>\r\n" +
			"Record-Route: <sip:p2;lr>\r\n" +
			"Content-Type: application/sdp\r\n" +
			"Content-Length: 5\r\n\r\n" +
			"v=0\r\n"
		if got != want {
			t.Errorf("200:\n%s\nwant:\n%s", got, want)
		}
	})
}

// A challenge leaves nothing behind: no retransmission to a forged source, no memory.
func TestRespondOnce_RFC3261_8_2_7(t *testing.T) {
	for _, method := range []string{"INVITE", "REGISTER"} {
		bubble(t, Config{}, func(h *harness) {
			var tx *Server
			h.tu.onRequest = func(s *Server) { tx = s; s.RespondOnce(401, "") }
			h.receive(udpFlow, incoming(method, "i", 1))
			h.wantTold("request " + method)
			got := h.sent()
			if last := got[len(got)-1]; last.start() != "SIP/2.0 401 Unauthorized" {
				t.Fatalf("%s: sent %v", method, got)
			}
			h.wantAlive(0, 0)
			tx.Respond(200, "") // too late
			h.wait(40 * time.Second)
			h.wantSent()
			h.receive(udpFlow, incoming(method, "i", 1)) // again: a new one
			h.wantTold("request " + method)
			if method == "INVITE" {
				h.receive(udpFlow, ackFor(got[len(got)-1], "i"))
				h.wantTold("ack 1")
			}
			h.wantAlive(0, 0)
		})
	}
}
