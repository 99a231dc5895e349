// Package stream is the one ordered, journalled stream of events of a node:
// publish, commit, subscribe with resume, fold.
//
// A Log numbers events under a mutex and hands them to one writer goroutine,
// which appends whatever has gathered in one journal write (group commit) and
// then wakes the readers. Readers see durable events only, in order, without
// gaps, first from the journal and then live; they pull, so a slow reader
// costs nobody anything (see Reader). The journal is an interface: package
// store is the durable one, Memory the one for tests.
//
// The writer ends with Close. Readers and folds own no goroutine of their own.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
)

// A Journal keeps the events. *store.Store is one.
type Journal interface {
	// Epoch is the ULID of the journal's life.
	Epoch() string
	// Bounds are the numbers of the first and last event kept; first is
	// last+1 when there is none.
	Bounds() (first, last uint64)
	// Append makes evs durable, all or none. Their numbers are set and must
	// be the next ones.
	Append(ctx context.Context, evs []cti.Event) error
	// Read returns up to limit events after the number after; none when there
	// is none yet, an error when after+1 is no longer kept.
	Read(after uint64, limit int) ([]cti.Event, error)
}

// Errors a caller branches on.
var (
	// ErrClosed is a use after Close.
	ErrClosed = errors.New("closed")
	// ErrDegraded is a Commit refused because the journal fails to write.
	// Nothing was published.
	ErrDegraded = errors.New("journal does not write")
	// ErrUnknownEpoch is a position of another journal: take a snapshot first.
	ErrUnknownEpoch = errors.New("unknown epoch")
	// ErrTooOld is a position before the first event kept: take a snapshot first.
	ErrTooOld = errors.New("events no longer kept")
	// ErrAhead is a position after the last durable event: take a snapshot first.
	ErrAhead = errors.New("position is ahead of the stream")
)

// Config of a Log; the zero value of each field but Site works.
type Config struct {
	// Site goes into every event that has none.
	Site cti.SiteID
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
	// Buffer is how many events may wait for the journal; see Publish.
	// Default 8192 (about 4 MB), at least 1.
	Buffer int
	// Tail is how many durable events stay in memory, so that readers who keep
	// up never touch the journal. Default 2048.
	Tail int
	// Retry is the pause after a failed journal write. Default 200ms.
	Retry time.Duration
	// Linger is how long what nobody waits for may wait for company, so that it
	// shares a disk write: an event without a Commit behind it, the transaction
	// of a Fold. When it is not 0, events that change nothing in a Fold's
	// projection cost no transaction, and its cursor moves with the next change
	// or after some thousand events. Default 0.
	Linger time.Duration
	// Pace is the time from one journal write to the next under load, when more
	// commits come than writes are worth; after a rest a few go at once.
	// Default 0: as fast as the disk.
	Pace time.Duration
	// Logger gets one error when the journal begins to fail and one line when
	// it recovers. Default: discarded.
	Logger *slog.Logger
}

// A Log is the stream. Safe for concurrent use.
type Log struct {
	cfg     Config
	journal Journal
	epoch   string
	cancel  context.CancelFunc
	ended   chan struct{} // closed when the writer ended

	mu       sync.Mutex
	room     *sync.Cond // space in queue, or a change of degraded or closed
	work     chan struct{}
	queue    []cti.Event // numbered, not yet handed to the journal
	since    time.Time   // when the oldest of queue came
	paced    time.Time   // when the writes so far would have ended at Pace
	writing  int         // handed to the journal, not yet durable
	waiters  []waiter    // in order of seq
	next     uint64      // number of the next event published
	lastAt   time.Time
	durable  uint64
	tail     []cti.Event   // ring of the last durable events, by seq modulo its length
	arrived  chan struct{} // closed and replaced when durable grows
	degraded error         // why the journal does not write; nil when it does
	lost     uint64
	closed   bool
}

// A waiter is a Commit whose last event has number seq.
type waiter struct {
	seq  uint64
	done chan error // one slot: the writer never blocks on it
}

// New opens the stream over j and starts its writer. Close ends it.
func New(cfg Config, j Journal) (*Log, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Buffer <= 0 {
		cfg.Buffer = 8192
	}
	if cfg.Tail <= 0 {
		cfg.Tail = 2048
	}
	if cfg.Retry <= 0 {
		cfg.Retry = 200 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Log{cfg: cfg, journal: j, epoch: j.Epoch(), ended: make(chan struct{}), work: make(chan struct{}, 1),
		tail: make([]cti.Event, cfg.Tail), arrived: make(chan struct{})}
	l.room = sync.NewCond(&l.mu)
	first, last := j.Bounds()
	l.durable, l.next = last, last+1
	if first <= last {
		evs, err := j.Read(last-1, 1)
		if err != nil || len(evs) != 1 {
			return nil, fmt.Errorf("stream: last event %d: %w", last, err)
		}
		l.lastAt = evs[0].At
		l.tail[last%uint64(len(l.tail))] = evs[0]
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.write(ctx) // ends by Close, after what waits was written
	return l, nil
}

// Epoch is the ULID of the journal's life.
func (l *Log) Epoch() string { return l.epoch }

// Last is the position of the last durable event; its number is 0 when there is none.
func (l *Log) Last() cti.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cti.Position{Epoch: l.epoch, Seq: l.durable}
}

// Stats are counts for metrics and status.
type Stats struct {
	Durable  uint64 // number of the last durable event
	Waiting  int    // events not yet durable
	Lost     uint64 // events dropped while the journal failed
	Degraded bool   // the journal fails to write
}

// Stats reads the counts.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Durable: l.durable, Waiting: len(l.queue) + l.writing, Lost: l.lost, Degraded: l.degraded != nil}
}

// Healthy is nil while the journal writes, else why it does not.
func (l *Log) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("stream: %w", ErrClosed)
	}
	return l.degraded
}

// Close writes what waits, ends the writer and wakes all readers with
// ErrClosed. With a failing journal it gives up after one attempt.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.ended
		return nil
	}
	l.closed = true
	l.room.Broadcast()
	l.mu.Unlock()
	l.cancel()
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.arrived)
	if n := len(l.queue) + l.writing; n > 0 {
		return fmt.Errorf("stream: close: %d events not written: %w", n, l.degraded)
	}
	return nil
}
