package b2bua

import "sync"

// A mailbox hands events to the owner of a call. Put never blocks, so that a
// transaction shard and a call may write to each other.
type mailbox struct {
	wake chan struct{} // one slot: "not empty"

	mu     sync.Mutex // guards events, closed
	events []event
	closed bool
}

func newMailbox() mailbox { return mailbox{wake: make(chan struct{}, 1)} }

// put appends e. It returns false when the owner has gone.
func (m *mailbox) put(e event) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.events = append(m.events, e)
	first := len(m.events) == 1
	m.mu.Unlock()
	if first {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// take returns what has come, in order; spare is reused for later events.
func (m *mailbox) take(spare []event) []event {
	m.mu.Lock()
	got := m.events
	m.events = spare[:0]
	m.mu.Unlock()
	return got
}

// close refuses further events. It fails, and changes nothing, when some are
// still unread.
func (m *mailbox) close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.events) > 0 {
		return false
	}
	m.closed = true
	return true
}
