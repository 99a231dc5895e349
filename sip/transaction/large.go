package transaction

import "github.com/lineaamica/la2/sip/flow"

// largeRequest is the longest request that leaves as a datagram where there is a choice: 200 octets
// less than what Ethernet carries, for a path whose MTU nobody knows (RFC 3261 18.1.1).
const largeRequest = 1300

// begin posts a new request. A large one waits, on a goroutine of its own, for the connection that
// Config.Stream may have; without one it leaves as it is.
func (l *Layer) begin(tx *clientTx) {
	if tx.flow.Transport == flow.UDP && len(tx.last) > largeRequest && l.cfg.Stream != nil && l.enter() {
		go l.change(tx) // ends with the attempt, or with Close
		return
	}
	l.post(tx)
}

func (l *Layer) post(tx *clientTx) {
	if !tx.sh.post(item{kind: itemRequest, client: tx}) && tx.on != nil {
		tx.on(ClientEvent{Err: ErrClosed})
	}
}

// change moves a large request to a connection, if there is one. Nobody else knows tx before it is
// posted but for Cancel, which its shard keeps until then.
func (l *Layer) change(tx *clientTx) {
	defer l.wg.Done()
	if f, err := l.cfg.Stream(l.life, tx.flow); err == nil {
		tx.flow, tx.sentBy = f, l.sentBy(f)
		tx.last = encodeRequest(tx.req, f.Transport, tx.sentBy, tx.branch)
	}
	l.post(tx)
}

// enter lets Close wait for the caller, until wg.Done; false when the layer is closed.
func (l *Layer) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.wg.Add(1)
	return true
}

// halt ends what waits for a connection.
func (l *Layer) halt() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.end()
	l.wg.Wait()
}
