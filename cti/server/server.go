// Package server is the CTI protocol of a node over HTTP and WebSocket, as
// docs/cti-protocol.md fixes it: log-in, snapshot and events for desktops,
// commands, tickets, status, and the desktop's files. It knows the stream, and
// the floor, the calls and the tickets only through the small interfaces of
// Config. It omits TLS (a front proxy or cmd ends it) and single sign-on.
//
// What a desktop sees is a fold of the stream (desk.go), so a snapshot and the
// events after its position fit without gap or overlap. Run owns the fold;
// each WebSocket has the goroutine of its handler, which writes, and one that
// reads; both end with the connection, at the latest when Run returns.
package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// A Server serves one node's desktops. Safe for concurrent use.
type Server struct {
	cfg      Config
	desk     *desk
	sessions *sessions
	throttle *throttle
	pages    map[string]page
	hashing  chan struct{} // two slots: password hashes at work
	started  time.Time
	ready    chan struct{} // closed when the desk has read the journal

	handlers sync.WaitGroup // WebSockets

	mu      sync.Mutex
	clients map[*client]struct{}
	closing bool
}

// New checks cfg and makes a server. It serves nothing of the protocol before
// Run has read the journal up to its end of then: requests wait for that.
func New(cfg Config) (*Server, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, throttle: newThrottle(cfg.Now), hashing: make(chan struct{}, 2), started: cfg.Now(),
		ready: make(chan struct{}), clients: map[*client]struct{}{}}
	s.desk = newDesk(&s.cfg)
	var err error
	if s.sessions, err = newSessions(&s.cfg); err != nil {
		return nil, err
	}
	if cfg.Desktop != nil {
		if s.pages, err = readDesktop(cfg.Desktop); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Run folds the stream until ctx ends or the stream closes; it returns nil
// then. On its way out it says bye to all clients and waits for them, at most
// two seconds.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	start := s.cfg.Log.Last().Seq
	r, err := s.cfg.Log.Subscribe(cti.Position{})
	if err != nil {
		return err
	}
	for {
		if r.Position().Seq >= start && !s.isReady() {
			s.desk.begin()
			close(s.ready)
		}
		ev, err := r.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		s.desk.apply(ev)
		if ev.Type == cti.EvAgentLoggedOff {
			s.loggedOff(ctx, ev)
		}
	}
}

// begin counts from here on.
func (d *desk) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live = true
}

func (s *Server) isReady() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

// close ends all clients.
func (s *Server) close() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.endClients(byeShutdown, func(*client) bool { return true })
	done := make(chan struct{})
	go func() { // ends when the last handler has; CloseNow below makes sure
		s.handlers.Wait()
		close(done)
	}()
	t := time.NewTimer(2 * time.Second)
	defer t.Stop()
	select {
	case <-done:
		return
	case <-t.C:
	}
	s.mu.Lock()
	for c := range s.clients {
		c.conn.CloseNow()
	}
	s.mu.Unlock()
	<-done
}

// endClients says bye to those that match.
func (s *Server) endClients(reason string, match func(*client) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		if match(c) {
			c.bye(reason)
		}
	}
}

// enter counts a WebSocket in, unless the server is closing.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.handlers.Add(1)
	return true
}

func (s *Server) join(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c] = struct{}{}
	if s.closing {
		c.bye(byeShutdown)
	}
}

func (s *Server) part(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
}
