package transaction

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// TestHistories plays random messages, answers and cancels in random order, and then silence:
// after it no transaction, timer or table entry is left, and no client is without an end.
func TestHistories(t *testing.T) {
	for seed := range uint64(60) {
		bubble(t, Config{}, func(h *harness) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			ends, begun := 0, 0
			h.tu.onRequest = func(s *Server) {
				for range rnd.IntN(3) {
					s.Respond([]int{180, 183, 200, 486, 500}[rnd.IntN(5)], "")
				}
			}
			h.tu.onCancel = func(s *Server) { s.Respond(487, "") }
			var clients []*Client
			var packets []packet
			for range 80 {
				packets = append(packets, h.sent()...)
				switch rnd.IntN(6) {
				case 0:
					method := []sip.RequestMethod{sip.INVITE, sip.BYE}[rnd.IntN(2)]
					begun++
					over := false
					clients = append(clients, h.l.Request(outgoing(method), randomFlow(rnd), func(ev ClientEvent) {
						if !over && (ev.Err != nil || ev.Response.StatusCode >= 200) {
							over = true
							ends++
						}
					}))
				case 1:
					if len(clients) > 0 {
						clients[rnd.IntN(len(clients))].Cancel("")
					}
				case 2, 3:
					method := []string{"INVITE", "CANCEL", "ACK", "BYE"}[rnd.IntN(4)]
					h.receive(randomFlow(rnd), incoming(method, fmt.Sprint(rnd.IntN(4)), 1+rnd.IntN(3), randomTo(rnd, packets)))
				case 4:
					if p := randomRequest(rnd, packets); p != nil {
						h.receive(p.flow, reply(*p, []int{100, 180, 200, 404, 487}[rnd.IntN(5)], fmt.Sprint(rnd.IntN(2))))
					}
				case 5:
					time.Sleep(time.Duration(rnd.IntN(5000)) * time.Millisecond)
				}
			}
			for _, c := range clients {
				c.Cancel("")
			}
			time.Sleep(time.Minute)
			// What rings for ever is the user's: answer it.
			h.ringOut(packets)
			time.Sleep(2 * time.Minute)
			h.wantGone(seed)
			if ends != begun {
				t.Errorf("seed %d: %d of %d clients came to an end", seed, ends, begun)
			}
		})
	}
}

func randomFlow(rnd *rand.Rand) flow.Flow { return []flow.Flow{udpFlow, tcpFlow}[rnd.IntN(2)] }

// randomTo is a To without tag, or that of a response of ours.
func randomTo(rnd *rand.Rand, sent []packet) string {
	for range 3 {
		if len(sent) == 0 {
			break
		}
		if p := sent[rnd.IntN(len(sent))]; strings.HasPrefix(p.start(), "SIP/2.0 ") && p.header("To") != "" {
			return "To: " + p.header("To")
		}
	}
	return "To: <sip:803001@10.0.0.1>"
}

func randomRequest(rnd *rand.Rand, sent []packet) *packet {
	for range 5 {
		if len(sent) == 0 {
			return nil
		}
		if p := &sent[rnd.IntN(len(sent))]; !strings.HasPrefix(p.start(), "SIP/2.0 ") && !strings.HasPrefix(p.start(), "ACK") {
			return p
		}
	}
	return nil
}

// ringOut cancels the INVITEs that still wait for their user.
func (h *harness) ringOut(sent []packet) {
	for _, p := range append(sent, h.sent()...) {
		if !strings.HasPrefix(p.start(), "SIP/2.0 ") || !strings.HasSuffix(p.header("CSeq"), "INVITE") {
			continue
		}
		h.receive(p.flow, msg("CANCEL sip:803001@10.0.0.1 SIP/2.0",
			"Via: "+strings.Replace(p.header("Via"), ";rport=5062", ";rport", 1), "From: "+p.header("From"), "To: <sip:803001@10.0.0.1>",
			"Call-ID: "+p.header("Call-ID"), "CSeq: "+strings.TrimSuffix(p.header("CSeq"), "INVITE")+"CANCEL", "Content-Length: 0"))
	}
}

// wantGone closes the layer and looks into the tables of its shards.
func (h *harness) wantGone(seed uint64) {
	h.t.Helper()
	h.wantAlive(0, 0)
	h.l.Close()
	for _, sh := range h.l.shards {
		if len(sh.servers)+len(sh.clients)+len(sh.merged)+len(sh.owed)+sh.timers.armed != 0 {
			h.t.Errorf("seed %d: left behind: %d servers, %d clients, %d merged, %d owed, %d timers",
				seed, len(sh.servers), len(sh.clients), len(sh.merged), len(sh.owed), sh.timers.armed)
		}
	}
	if s := h.l.Stats(); s.Panics != 0 {
		h.t.Errorf("seed %d: %d panics", seed, s.Panics)
	}
}
