package relay

import (
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// A shell carries packets between a core and a network. One goroutine runs it.
type shell interface {
	// listen opens the sockets of a leg on port (RTP) and port+1 (RTCP). Called from
	// any goroutine, before the leg reaches the shard.
	listen(ip netip.Addr, port uint16) (socket, error)
	// watch begins to hand the packets of l to the core. On the shard's goroutine.
	watch(l *leg) error
	// wake makes run look at the commands: now, or else at the next tick at the
	// latest. Any goroutine; never blocks.
	wake(now bool)
	// run serves the shard until its shut flag is seen, and releases the shell.
	run(s *shard)
}

// A shard owns the legs of some calls. Everything reaches it as a packet or as a
// command; nobody else touches its core.
type shard struct {
	core  *core
	shell shell
	ports *ports
	log   *slog.Logger
	began time.Time
	done  chan struct{} // closed when run has ended

	panics atomic.Uint64

	// Owned by run.
	current *leg // whose packet is being looked at

	mu    sync.Mutex // guards what follows
	queue []command
	awake bool      // run was told to look at queue now
	spare []command // the former queue, to be used again
	shut  bool
}

// now is the clock of the shard in nanoseconds.
func (s *shard) now() int64 { return int64(time.Since(s.began)) }

// post hands a command over; false after Shutdown. The wake-up is a write to an
// eventfd or a one-slot channel that cannot block; it happens under the lock so
// that run cannot release the shell in between.
func (s *shard) post(cmd command) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return false
	}
	s.queue = append(s.queue, cmd)
	now := cmd.op.now()
	if len(s.queue) == 1 || now && !s.awake {
		s.shell.wake(now)
	}
	s.awake = s.awake || now
	return true
}

// stop makes run end after the commands posted so far.
func (s *shard) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.shut {
		s.shut = true
		s.shell.wake(true)
	}
}

// commands applies what was posted and reports whether the shard is to end.
func (s *shard) commands(now int64) (shut bool) {
	s.mu.Lock()
	batch := s.queue
	s.queue, s.spare, s.awake = s.spare[:0], nil, false
	shut = s.shut
	s.mu.Unlock()
	for i := range batch {
		opened, closed := s.core.apply(batch[i], now)
		if opened != nil {
			if err := s.shell.watch(opened); err != nil {
				s.log.Error("relay: leg cannot be heard", "call", opened.call, "port", opened.port, "error", err)
			}
		}
		if closed != nil {
			s.release(closed)
		}
		batch[i] = command{}
	}
	s.mu.Lock()
	s.spare = batch
	s.mu.Unlock()
	return shut
}

// release closes the sockets of a removed leg and lets its ports rest.
func (s *shard) release(l *leg) {
	l.sock.close()
	s.ports.give(l.port, time.Now())
}

// close ends all legs; the last thing run does.
func (s *shard) close() {
	now := s.now()
	for _, l := range s.core.legs {
		s.core.bye(l, now)
		s.core.remove(l)
		s.release(l)
	}
}

// recovered is deferred around the serving of packets: a panic ends only the leg
// whose packet it was, and its owner hears a MediaTimeout.
func (s *shard) recovered() {
	what := recover()
	if what == nil {
		return
	}
	s.panics.Add(1)
	s.log.Error("relay: packet path failed", "cause", what, "stack", string(debug.Stack()))
	l := s.current
	s.current = nil
	if l == nil || s.core.legs[l.id] != l {
		return
	}
	s.core.remove(l)
	s.release(l)
	s.core.emit(Event{Kind: MediaTimeout, Call: l.call, Leg: l.id})
}
