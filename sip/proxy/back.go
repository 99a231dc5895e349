package proxy

import (
	"errors"

	"github.com/lineaamica/la2/sip/transaction"
)

// back passes on what came for a forwarded request (RFC 3261 16.7), on the shard.
func (p *Proxy) back(tx *transaction.Server, a transaction.Forwarded) {
	if a.Err != nil {
		p.failed(tx, a)
		return
	}
	m := a.Response
	status := m.Status()
	if status == 100 || !m.MoreVia() {
		return
	}
	w := p.works.Get().(*work)
	defer p.works.Put(w)
	w.edit.Reset(m)
	w.edit.PopVia()
	if status == 503 {
		// It says that one element below is overloaded, not that we are (16.7 step 6).
		status = 500
		w.edit.SetStatus(status, "Server Internal Error")
	}
	w.out = w.edit.Append(w.out[:0])
	p.responses.Add(1)
	tx.Return(status, w.out)
}

// failed answers for a target that did not. Time-out of another request than INVITE is told to
// nobody: the client has given up, too (RFC 4320 4.2). A broken path counts as 503 (16.9), which
// becomes 500.
func (p *Proxy) failed(tx *transaction.Server, a transaction.Forwarded) {
	invite := string(a.Request.MethodBytes()) == "INVITE"
	switch {
	case invite && a.Cancelled:
		tx.Refuse(a.Request, 487, "")
	case !errors.Is(a.Err, transaction.ErrTimeout):
		tx.Refuse(a.Request, 500, "")
	case invite:
		tx.Refuse(a.Request, 408, "")
	}
}
