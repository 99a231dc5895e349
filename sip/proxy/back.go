package proxy

import (
	"errors"

	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

// back passes on what came for a request with one target (RFC 3261 16.7), on the shard.
func (p *Proxy) back(tx *transaction.Server, a transaction.Forwarded, seen Seen) {
	if a.Err == nil {
		if m := a.Response; m.Status() != 100 && m.MoreVia() {
			p.returns(tx, m)
			seen.tell(m.Status(), m)
		}
		return
	}
	status := 503
	switch {
	case a.Cancelled && a.Request.Method() == wire.Invite:
		status = 487
		tx.Refuse(a.Request, 487, "")
	case errors.Is(a.Err, transaction.ErrTimeout):
		status = 408
		p.fails(tx, a.Request, 408)
	default:
		p.fails(tx, a.Request, 503)
	}
	seen.tell(status, nil)
}

// returns passes a response on.
func (p *Proxy) returns(tx *transaction.Server, m *wire.Message) {
	w := p.works.Get().(*work)
	defer p.works.Put(w)
	w.edit.Reset(m)
	w.edit.PopVia()
	p.writes(tx, w, &w.edit, m.Status(), m.CSeqMethod() == wire.Invite)
}

// responds passes on what e makes of a response without our Via.
func (p *Proxy) responds(tx *transaction.Server, e *wire.Edit, status int, invite bool) {
	w := p.works.Get().(*work)
	defer p.works.Put(w)
	p.writes(tx, w, e, status, invite)
}

func (p *Proxy) writes(tx *transaction.Server, w *work, e *wire.Edit, status int, invite bool) {
	if !invite && (status < 200 || status == 408) {
		return // such a response helps nobody and comes too late (RFC 4320 4.1, 4.2)
	}
	if status == 503 {
		// It says that one element below is overloaded, not that we are (16.7 step 6).
		status = 500
		e.SetStatus(status, "Server Internal Error")
	}
	w.out = e.Append(w.out[:0])
	p.responses.Add(1)
	tx.Return(status, w.out)
}

// popped returns the response m without our Via. The bytes are w's.
func popped(w *work, m *wire.Message) []byte {
	w.edit.Reset(m)
	w.edit.PopVia()
	w.out = w.edit.Append(w.out[:0])
	return w.out
}

// fails answers m for targets that did not: with 408 or 503. Time-out of another request than
// INVITE is told to nobody: the client has given up, too (RFC 4320 4.2). A broken path counts as
// 503 (16.9), which becomes 500.
func (p *Proxy) fails(tx *transaction.Server, m *wire.Message, status int) {
	switch {
	case status != 408:
		tx.Refuse(m, 500, "")
	case m.Method() == wire.Invite:
		tx.Refuse(m, 408, "")
	}
}
