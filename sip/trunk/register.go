package trunk

import (
	"context"
	"crypto/rand"
	random "math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An Exchange sends the request that build makes for our Contact there to an
// address of p, or to those of its name when to is not valid, answers a challenge with the peer's Account, and returns the final
// response. ctx has the time-out.
type Exchange func(ctx context.Context, p *Peer, to netip.AddrPort, build func(contact sip.Uri) *sip.Request) (*sip.Response, error)

// A registering is one registration as it runs.
type registering struct {
	t      *Table
	p      *Peer
	send   Exchange
	callID string // the same for all REGISTERs (RFC 3261 10.2.4)
	tag    string
	seq    uint32
}

// Register keeps the registrations of all peers until ctx ends, then takes them
// back, and returns when no request runs any more. changed, which may be nil, hears
// of every change; it must not block for long.
func (t *Table) Register(ctx context.Context, send Exchange, changed func(name string, s RegState)) {
	var wg sync.WaitGroup
	for _, p := range t.peers {
		if p.Register != nil {
			r := &registering{t: t, p: p, send: send, callID: rand.Text(), tag: rand.Text()[:13]}
			wg.Go(func() { r.run(ctx, changed) }) // ends when ctx does
		}
	}
	wg.Wait()
}

func (r *registering) run(ctx context.Context, changed func(string, RegState)) {
	all := r.p.Register.Registrars
	if len(all) == 0 {
		all = []netip.AddrPort{r.p.Address}
	}
	e := enrol{state: Registering, asked: r.p.Register.Expires}
	if e.asked <= 0 {
		e.asked = time.Hour
	}
	for ctx.Err() == nil {
		answer := r.ask(ctx, all[e.at], e.asked)
		if ctx.Err() != nil {
			break
		}
		before := e.state
		var wait time.Duration
		e, wait = e.next(answer, len(all), random.Float64())
		r.t.registered(r.p.Name, e.state, answer.Status)
		if e.state != before && changed != nil {
			changed(r.p.Name, e.state)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	if e.state == Registered {
		r.ask(context.WithoutCancel(ctx), all[e.at], 0)
	}
}

// leaveTime is how long the last REGISTER may take.
const leaveTime = time.Second

// ask sends one REGISTER, with expires 0 to take the binding back.
func (r *registering) ask(ctx context.Context, to netip.AddrPort, expires time.Duration) RegAnswer {
	patience := r.t.cfg.Timeout
	if expires == 0 {
		patience = leaveTime
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var contact sip.Uri
	res, err := r.send(ctx, r.p, to, func(c sip.Uri) *sip.Request {
		r.seq++
		contact = c
		contact.User = r.p.Account.User
		return r.request(to, contact, expires)
	})
	if err != nil {
		r.seq++ // the answer to a challenge may be on its way
		return RegAnswer{}
	}
	r.seq = max(r.seq, res.CSeq().SeqNo)
	return readAnswer(res, contact)
}

// request is a REGISTER (RFC 3261 10.2).
func (r *registering) request(to netip.AddrPort, contact sip.Uri, expires time.Duration) *sip.Request {
	domain := sip.Uri{Scheme: "sip", Host: r.p.home(to)}
	who := domain
	who.User = r.p.Account.User
	req := sip.NewRequest(sip.REGISTER, domain)
	callID, hops := sip.CallIDHeader(r.callID), sip.MaxForwardsHeader(70)
	life := sip.ExpiresHeader(expires / time.Second)
	req.AppendHeader(&hops)
	req.AppendHeader(&sip.FromHeader{Address: who, Params: sip.HeaderParams{{K: "tag", V: r.tag}}})
	req.AppendHeader(&sip.ToHeader{Address: who})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: r.seq, MethodName: sip.REGISTER})
	req.AppendHeader(&sip.ContactHeader{Address: contact})
	req.AppendHeader(&life)
	return req
}

// readAnswer reads what a registrar says. The 2xx lists all bindings: ours is the
// one with our Contact (RFC 3261 10.2.4).
func readAnswer(res *sip.Response, contact sip.Uri) RegAnswer {
	a := RegAnswer{Status: res.StatusCode, Minimum: secondsIn(res, "Min-Expires"), Retry: secondsIn(res, "Retry-After"), Granted: secondsIn(res, "Expires")}
	for _, h := range res.GetHeaders("Contact") {
		var uri sip.Uri
		params := sip.HeaderParams{}
		if _, err := sip.ParseAddressValue(h.Value(), &uri, &params); err != nil || uri.User != contact.User || uri.Host != contact.Host || uri.Port != contact.Port {
			continue
		}
		if v, ok := params.Get("expires"); ok {
			if n, err := strconv.ParseUint(v, 10, 31); err == nil {
				a.Granted = time.Duration(n) * time.Second
			}
		}
	}
	return a
}

// secondsIn reads a header that holds seconds, perhaps with a comment or parameters
// behind them; 0 when there is none.
func secondsIn(res *sip.Response, name string) time.Duration {
	h := res.GetHeader(name)
	if h == nil {
		return 0
	}
	digits, _, _ := strings.Cut(strings.TrimSpace(h.Value()), ";")
	digits, _, _ = strings.Cut(digits, " ")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
