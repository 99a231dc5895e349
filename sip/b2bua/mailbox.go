package b2bua

import "sync"

// keptEvents is how many events the list of an idle mailbox has room for.
const keptEvents = 4

// A mailbox hands events to the owner of a call. Put never blocks, so that a
// transaction shard and a call may write to each other. The owner is a goroutine
// while there is work and none in between: a call that stands costs no stack.
type mailbox struct {
	call *Call // immutable

	mu     sync.Mutex // guards what follows
	events []event
	busy   bool // the owner is at work
	closed bool
}

// put appends e and sets the owner to work. It returns false when the call has ended.
func (m *mailbox) put(e event) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.events = append(m.events, e)
	idle := !m.busy
	m.busy = true
	m.mu.Unlock()
	if idle {
		go m.call.turn() // ends when no event is left
	}
	return true
}

// take returns what has come, in order; spare is reused for later events. Nothing
// means that the owner has to rest: the next put sets another to work.
func (m *mailbox) take(spare []event) []event {
	m.mu.Lock()
	defer m.mu.Unlock()
	got := m.events
	m.events = spare[:0]
	if len(got) == 0 {
		m.busy = false
		if cap(spare) > keptEvents {
			m.events = nil
		}
	}
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
