package transaction

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

// What a reader brings to an idle shard is done when Receive returns, and so is what a user posts.
func TestTurn_OnTheSpot(t *testing.T) {
	bubble(t, Config{}, func(h *harness) {
		synctest.Wait() // the goroutines of the shards wait for the clock
		var tx *Server
		h.tu.onRequest = func(s *Server) { tx = s; s.Respond(180, "") }
		h.push(udpFlow, incoming("INVITE", "i", 1))
		if n := len(h.packets); n != 2 {
			t.Fatalf("%d messages sent when Receive returned, want 100 and 180", n)
		}
		tx.Respond(486, "")
		if n := len(h.packets); n != 3 {
			t.Errorf("%d messages sent when Respond returned, want the 486, too", n)
		}
	})
}

// What stayed behind comes before what is brought after it, and the goroutine of the shard knows.
func TestQueue_LeftBehind(t *testing.T) {
	t.Parallel()
	q := queue{wake: make(chan struct{}, 1)}
	push := func(text string) place { return q.push(udpFlow, []byte(text), always, 8) }
	if p := push("1"); p != inTurn {
		t.Fatalf("the first message: %v, want the turn", p)
	}
	if p := push("2"); p != queued || len(q.wake) != 0 {
		t.Fatalf("a message while another is in hand: %v, %d wake-ups; want it queued without one", p, len(q.wake))
	}
	q.end()
	if len(q.wake) != 1 {
		t.Error("the turn ended with a message left, and nobody is woken")
	}
	if p := push("3"); p != queued {
		t.Errorf("a message after one that waits: %v, want it queued", p)
	}
	if p := q.post(&item{kind: itemReply}); p != queued {
		t.Errorf("an answer after messages that wait: %v, want it queued", p)
	}
	if !q.enter() || push("4") != queued {
		t.Error("the goroutine of the shard has no turn of its own")
	}
	var got string
	for _, it := range q.take(nil) {
		got += string(it.raw)
	}
	if got != "234" {
		t.Errorf("taken in the order %q", got)
	}
}

// A user is never called back on its own goroutine, even when what it posts fails at once: it may
// hold what its callback wants.
func TestTurn_NoCallbackOnCaller(t *testing.T) {
	bubble(t, Config{Shards: 1}, func(h *harness) {
		h.sendErr = errors.New("no route")
		var mu sync.Mutex
		var got error
		mu.Lock()
		h.l.Request(outgoing(sip.INVITE), udpFlow, func(ev ClientEvent) {
			mu.Lock()
			defer mu.Unlock()
			got = ev.Err
		})
		if got != nil {
			t.Error("told before Request returned")
		}
		mu.Unlock()
		synctest.Wait()
		if !errors.Is(got, ErrTransport) {
			t.Errorf("told %v, want ErrTransport", got)
		}
		h.wantAlive(0, 0)
	})
}

// of sets the Call-ID of a message of incoming, and the branch and tag that go with it.
func of(call int, text string) string {
	return strings.NewReplacer("Call-ID: c1", fmt.Sprintf("Call-ID: c%d", call), "branch=z9hG4bK", fmt.Sprintf("branch=z9hG4bK%d-", call)).Replace(text)
}

// notes is what a user heard, by Call-ID.
type notes struct {
	mu  sync.Mutex // guards all
	all map[string][]string
}

func (n *notes) add(call, what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = map[string][]string{}
	}
	n.all[call] = append(n.all[call], what)
}

// check wants the same for each of so many calls.
func (n *notes) check(t *testing.T, calls int, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.all) != calls {
		t.Errorf("heard of %d calls, want %d", len(n.all), calls)
	}
	for call, got := range n.all {
		if !slices.Equal(got, want) {
			t.Errorf("%s: heard %q, want %q", call, got, want)
		}
	}
}

// orderUser notes by Call-ID and answers so that each pair of messages has its meaning.
type orderUser struct{ notes }

func (u *orderUser) Request(tx *Server) {
	u.add(tx.Request().CallID().Value(), string(tx.Request().Method))
	if tx.Request().Method == sip.BYE {
		tx.Respond(200, "")
	}
}
func (u *orderUser) Cancel(tx *Server) {
	u.add(tx.Request().CallID().Value(), "cancel")
	tx.Respond(487, "")
}
func (u *orderUser) Ack(_ flow.Flow, ack *sip.Request)  { u.add(ack.CallID().Value(), "ack") }
func (u *orderUser) Unacked(*Server)                    {}
func (u *orderUser) Stray(_ flow.Flow, _ *sip.Response) {}

// Many readers at once, each with calls of its own, on few shards: the shards are nearly always at
// work, so messages go both ways, handled on the spot and left behind. What one reader brings of
// one call is never reordered.
func TestTurn_OrderOfPipelined(t *testing.T) {
	const readers, each = 8, 100
	brought := func(t *testing.T, h *harness, bring func(call int)) {
		t.Helper()
		var wg sync.WaitGroup
		for r := range readers {
			wg.Go(func() { // ends when all is brought
				for i := range each {
					bring(r*each + i)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
	}
	for _, f := range []flow.Flow{udpFlow, tcpFlow} {
		t.Run("INVITE and CANCEL "+f.Transport.String(), func(t *testing.T) {
			u := &orderUser{}
			bubble(t, Config{}, func(h *harness) {
				h.l.tu = u
				brought(t, h, func(call int) {
					h.push(f, of(call, incoming("INVITE", "i", 1)))
					h.push(f, of(call, incoming("CANCEL", "i", 1)))
				})
				u.check(t, readers*each, "INVITE", "cancel")
			})
		})
		t.Run("ACK and BYE "+f.Transport.String(), func(t *testing.T) {
			u := &orderUser{}
			bubble(t, Config{}, func(h *harness) {
				h.l.tu = u
				brought(t, h, func(call int) {
					h.push(f, of(call, incoming("ACK", "a", 1, "To: <sip:a@b>;tag=t")))
					h.push(f, of(call, incoming("BYE", "b", 2, "To: <sip:a@b>;tag=t")))
				})
				u.check(t, readers*each, "ack", "BYE")
			})
		})
		t.Run("183 and 200 "+f.Transport.String(), func(t *testing.T) {
			var heard notes
			bubble(t, Config{}, func(h *harness) {
				brought(t, h, func(call int) {
					req := outgoing(sip.INVITE)
					id := sip.CallIDHeader(fmt.Sprintf("c%d", call))
					req.ReplaceHeader(&id)
					h.l.Request(req, f, func(ev ClientEvent) {
						heard.add(id.Value(), fmt.Sprint(ev.Response.StatusCode))
					})
					p := h.invited(id.Value())
					h.push(f, reply(p, 183, "x"))
					h.push(f, reply(p, 200, "x"))
				})
				heard.check(t, readers*each, "183", "200")
			})
		})
	}
}

// invited waits for the INVITE with that Call-ID: its shard may be at work for others.
func (h *harness) invited(callID string) packet {
	for {
		h.mu.Lock()
		i := slices.IndexFunc(h.packets, func(p packet) bool { return p.header("Call-ID") == callID })
		var p packet
		if i >= 0 {
			p = h.packets[i]
			h.packets = slices.Delete(h.packets, i, i+1)
		}
		h.mu.Unlock()
		if i >= 0 {
			return p
		}
		time.Sleep(time.Millisecond)
	}
}

// A busy shard looks at its timers with each message; the clock is late by slack at most.
func TestTurn_TimersOfABusyShard(t *testing.T) {
	bubble(t, Config{Shards: 1}, func(h *harness) {
		stray := reply(packet{text: incoming("OPTIONS", "none", 9)}, 200, "x")
		for range 2 * busyFrom {
			h.push(udpFlow, stray)
		}
		h.l.Request(outgoing(sip.OPTIONS), udpFlow, h.tu.on)
		for range 300 {
			time.Sleep(3 * time.Millisecond)
			h.push(udpFlow, stray)
		}
		got := h.sent()
		if len(got) != 2 || got[1].at < 500*time.Millisecond || got[1].at > 503*time.Millisecond {
			t.Fatalf("sent %v, want the request again with the first message after 500 ms", got)
		}
		h.wait(2 * time.Second) // silence
		if got = h.sent(); len(got) != 1 || got[0].at < 1500*time.Millisecond || got[0].at > 1500*time.Millisecond+slack {
			t.Errorf("sent %v, want the request again at 1.5 s, %v later at most", got, slack)
		}
	})
}

// A reader leaves the turn after a while, and what stays behind is done all the same.
func TestTurn_HandedOver(t *testing.T) {
	bubble(t, Config{Shards: 1, Inbox: 1024}, func(h *harness) {
		gate := make(chan struct{})
		h.tu.onRequest = func(s *Server) {
			if s.Request().Method == sip.PUBLISH {
				<-gate
			}
		}
		done := make(chan struct{})
		go func() { // ends when the gate opens
			h.push(udpFlow, incoming("PUBLISH", "p", 1))
			close(done)
		}()
		synctest.Wait()
		for i := range 3 * mostInTurn {
			h.push(udpFlow, of(i+2, incoming("OPTIONS", "o", 1)))
		}
		close(gate)
		<-done
		synctest.Wait()
		if n := len(h.tu.taken()); n != 3*mostInTurn+1 {
			t.Errorf("the user heard of %d requests, want %d", n, 3*mostInTurn+1)
		}
	})
}
