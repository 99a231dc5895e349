package floor

import (
	"sync"
	"time"

	"github.com/lineaamica/la2/acd/engine"
	"github.com/lineaamica/la2/cti"
)

// A batch is one input and what followed, on its way to journal and scripts.
type batch struct {
	now   time.Time
	in    engine.Input
	out   []engine.Decision
	place *Place
	leg   cti.LegID
	done  chan cti.Position

	// Of the first batch instead of all above.
	start engine.Saved
	first []engine.AgentView
}

// A mailbox takes batches without ever blocking who puts them.
type mailbox struct {
	wake chan struct{} // one slot: there is something, or it was closed

	mu      sync.Mutex // guards batches, closed
	batches []batch
	closed  bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) put(b batch) {
	m.mu.Lock()
	m.batches = append(m.batches, b)
	m.mu.Unlock()
	m.rouse()
}

func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.rouse()
}

func (m *mailbox) rouse() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take waits for batches and returns all; false when it is closed and empty.
func (m *mailbox) take() ([]batch, bool) {
	for {
		m.mu.Lock()
		got, closed := m.batches, m.closed
		m.batches = nil
		m.mu.Unlock()
		if len(got) > 0 {
			return got, true
		}
		if closed {
			return nil, false
		}
		<-m.wake
	}
}
