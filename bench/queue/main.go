// Command queue measures the queue: N static agents and always more callers than
// agents. An agent rings, answers, talks, hangs up and is free again; what counts
// is how many calls are dispatched a second beside the ideal (no time lost between
// two calls of an agent), the time from an agent's being free (200 to its BYE) to
// its next INVITE, and CPU seconds of LA2 per 1,000 calls. Loopback only, bounded.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lineaamica/la2/bench/internal/proc"
	"github.com/lineaamica/la2/sip/wire"
)

var (
	agents  = flag.Int("agents", 200, "agents, as in the configuration")
	backlog = flag.Int("backlog", 50, "callers that wait")
	talk    = flag.Duration("talk", 4*time.Second, "length of a conversation")
	ring    = flag.Duration("ring", 20*time.Millisecond, "until an agent answers")
	warm    = flag.Duration("warm", 4*time.Second, "between the last first caller and the measure")
	secs    = flag.Duration("for", 10*time.Second, "length of the measure")
	binary  = flag.String("la2", "bin/la2", "the product")
	config  = flag.String("config", "configs/bench.yaml", "its configuration")
)

const (
	server    = "127.0.0.1:5560"
	agentsAt  = "127.0.0.1:5081"
	callersAt = "127.0.0.1:5091"
)

func main() {
	flag.Parse()
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "bench queue:", err)
		os.Exit(1)
	}
}

func measure() error {
	dir, err := os.MkdirTemp("", "la2-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	la2, err := proc.Start(dir, "la2", *binary, "serve", "-c", *config, "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer la2.Stop()
	w, err := newWorld()
	if err != nil {
		return err
	}
	defer w.close()
	apart := (*talk + *ring) / time.Duration(*agents) // so that agents become free evenly
	for range *agents + *backlog {
		w.call()
		time.Sleep(apart)
	}
	time.Sleep(*warm)
	began, cpu := time.Now(), la2.CPU()
	w.measure(true)
	time.Sleep(*secs)
	w.measure(false)
	took, used := time.Since(began), la2.CPU()-cpu
	return w.report(took, used, la2)
}

// A world is the agents, the callers, and what was seen.
type world struct {
	agents, callers *side

	// Guarded by agents.mu.
	free     map[string]time.Time
	busy     map[string]string // Call-ID by agent
	gaps     []float64         // ms
	offers   int
	double   int
	counting bool
	over     bool

	failed int // guarded by callers.mu
}

func newWorld() (*world, error) {
	w := &world{free: map[string]time.Time{}, busy: map[string]string{}}
	var err error
	if w.agents, err = newSide("a", agentsAt, server); err != nil {
		return nil, err
	}
	if w.callers, err = newSide("c", callersAt, server); err != nil {
		_ = w.agents.conn.Close()
		return nil, err
	}
	w.agents.on, w.callers.on = w.agent, w.caller
	go w.agents.read()  // ends by close
	go w.callers.read() // likewise
	return w, nil
}

func (w *world) close() {
	w.agents.mu.Lock()
	w.over = true
	w.agents.mu.Unlock()
	_ = w.agents.conn.Close()
	_ = w.callers.conn.Close()
}

func (w *world) measure(on bool) {
	w.agents.mu.Lock()
	defer w.agents.mu.Unlock()
	w.counting = on
}

func (w *world) report(took, used time.Duration, la2 *proc.Peer) error {
	w.agents.mu.Lock()
	defer w.agents.mu.Unlock()
	w.callers.mu.Lock()
	defer w.callers.mu.Unlock()
	if w.offers == 0 || len(w.gaps) == 0 {
		return fmt.Errorf("nothing was dispatched, %d callers failed", w.failed)
	}
	slices.Sort(w.gaps)
	at := func(q float64) float64 { return w.gaps[int(float64(len(w.gaps)-1)*q)] }
	ideal := float64(*agents) / (*talk + *ring).Seconds()
	rate := float64(w.offers) / took.Seconds()
	fmt.Printf("bench queue agents=%d waiting=%d dispatched_per_s=%.1f ideal_per_s=%.1f of_ideal=%.3f free_to_invite_p50_ms=%.1f free_to_invite_p99_ms=%.1f "+
		"failed=%d double_offers=%d cpu_s_per_1k_calls=%.2f rss_mib=%.0f\n", *agents, *backlog, rate, ideal, rate/ideal, at(0.5), at(0.99),
		w.failed, w.double, used.Seconds()/(float64(w.offers)/1000), proc.RSS(la2.Pid()))
	return nil
}

// agent plays an agent. agents.mu is held.
func (w *world) agent(p *party, m *wire.Message) {
	s := w.agents
	if !m.IsRequest() {
		if m.Status() >= 200 && m.CSeqMethod() == wire.Bye {
			w.release(p)
		}
		return
	}
	switch m.Method() {
	case wire.Invite:
		w.offered(p, m)
	case wire.Ack:
		if p.acked {
			return
		}
		p.acked = true
		s.hush(p)
		time.AfterFunc(*talk, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !w.over && !p.ended {
				s.request(p, "BYE", "")
			}
		})
	case wire.Bye:
		s.reply(p, m, 200, "OK")
		w.release(p)
	case wire.Cancel:
		s.reply(p, m, 200, "OK")
		w.release(p)
	default:
	}
}

// offered: an INVITE for an agent.
func (w *world) offered(p *party, m *wire.Message) {
	s, now := w.agents, time.Now()
	if w.busy[p.user] == p.callID {
		return // repeated
	}
	if w.busy[p.user] != "" {
		w.double++
		p.ended = true
		s.reply(p, m, 486, "Busy Here")
		return
	}
	w.busy[p.user] = p.callID
	if w.counting {
		w.offers++
		if at, ok := w.free[p.user]; ok {
			w.gaps = append(w.gaps, float64(now.Sub(at).Microseconds())/1000)
		}
	}
	s.reply(p, m, 180, "Ringing")
	head := wire.AppendReply(nil, m, 200, "OK", p.tag())
	time.AfterFunc(*ring, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !w.over && !p.ended {
			s.answer(p, head)
		}
	})
}

func (w *world) release(p *party) {
	w.agents.hush(p)
	if p.ended {
		return
	}
	p.ended = true
	delete(w.busy, p.user)
	w.free[p.user] = time.Now()
}

// call places a call to the queue.
func (w *world) call() {
	s := w.callers
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	id := fmt.Sprintf("q%d-%d", os.Getpid(), s.made)
	p := &party{callID: id, from: fmt.Sprintf("<sip:c%d@%s>;tag=c%d", s.made, s.addr(), s.made), to: "<sip:queue@" + server + ">", target: "sip:queue@" + server}
	s.parties[id] = p
	s.request(p, "INVITE", sdp())
}

// caller plays a caller. callers.mu is held.
func (w *world) caller(p *party, m *wire.Message) {
	s := w.callers
	if m.IsRequest() {
		if m.Method() == wire.Bye {
			s.reply(p, m, 200, "OK")
			if !p.ended {
				p.ended = true
				time.AfterFunc(0, w.call)
			}
		}
		return
	}
	if m.CSeqMethod() != wire.Invite {
		return
	}
	s.hush(p)
	switch status := m.Status(); {
	case status < 200:
	case status < 300:
		p.to, p.target = string(m.Header("To")), uriOf(m.Header("Contact"))
		s.made++
		s.send(s.build(p, "ACK", "")) // with the number of the INVITE
	default:
		p.to = string(m.Header("To"))
		s.send(s.build(p, "ACK", ""))
		w.failed++
		p.ended = true
		time.AfterFunc(time.Second, w.call)
	}
}
