package phone

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/transaction"
)

const registerFor = 120 * time.Second

// registration is our binding at the server. Owned by run.
type registration struct {
	callID  string
	cseq    uint32
	refresh *time.Timer
}

// Register binds our contact and keeps it fresh until Unregister or Close.
func (p *Phone) Register(ctx context.Context) error { return p.register(ctx, registerFor) }

// Unregister removes the binding.
func (p *Phone) Unregister(ctx context.Context) error { return p.register(ctx, 0) }

func (p *Phone) register(ctx context.Context, life time.Duration) error {
	result := make(chan error, 1)
	if err := p.do(ctx, func() { p.sendRegister(life, func(err error) { result <- err }) }); err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *Phone) sendRegister(life time.Duration, done func(error)) {
	if p.reg.callID == "" {
		p.reg.callID = newCallID()
	}
	if p.reg.refresh != nil {
		p.reg.refresh.Stop()
	}
	p.reg.cseq += 2 // one for the challenge, one for the answer
	to := p.aor(p.cfg.User)
	req := p.newRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: to.Host, Port: to.Port}, p.reg.callID, p.reg.cseq)
	req.ReplaceHeader(&sip.ToHeader{Address: to, Params: sip.NewParams()})
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(life.Seconds()))))
	p.try(req, func(e transaction.ClientEvent) {
		if e.Err != nil {
			p.tell(Event{Event: "failed", Text: "no answer from the server"})
			p.again(life, 10*time.Second)
			done(fmt.Errorf("phone: register: %w", e.Err))
			return
		}
		code := e.Response.StatusCode
		if code >= 300 {
			p.tell(Event{Event: "failed", Code: code, Text: e.Response.Reason})
			done(fmt.Errorf("phone: register: %d %s", code, e.Response.Reason))
			return
		}
		if life == 0 {
			p.tell(Event{Event: "unregistered"})
			done(nil)
			return
		}
		p.tell(Event{Event: "registered", Code: code})
		granted := time.Duration(headerInt(e.Response, "Expires", int(life.Seconds()))) * time.Second
		p.again(life, granted/2)
		done(nil)
	})
}

// again registers once more after d.
func (p *Phone) again(life, d time.Duration) {
	if life == 0 {
		return
	}
	p.reg.refresh = time.AfterFunc(max(d, time.Second), func() {
		p.inbox.put(func() { p.sendRegister(life, func(error) {}) })
	})
}

// try sends req and once more with credentials when challenged; on gets the
// final outcome, and no provisional responses.
func (p *Phone) try(req *sip.Request, on func(transaction.ClientEvent)) {
	p.send(req, func(e transaction.ClientEvent) {
		if e.Err == nil && e.Response.StatusCode < 200 {
			return
		}
		if e.Err == nil && (e.Response.StatusCode == 401 || e.Response.StatusCode == 407) {
			if next, ok := p.authorize(req, e.Response); ok {
				p.try(next, on)
				return
			}
		}
		on(e)
	})
}
