package phone

import (
	"crypto/rand"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
	"github.com/lineaamica/la2/sip/wire"
)

const userAgent = "LA2-phone"

func (p *Phone) receive(f flow.Flow, m *wire.Message) { p.tx.Receive(f, m) }

// aor is our address-of-record at the server.
func (p *Phone) aor(user string) sip.Uri {
	return sip.Uri{Scheme: "sip", User: user, Host: p.cfg.Via.Addr().String(), Port: int(p.cfg.Via.Port())}
}

// newRequest makes a request outside a dialog.
func (p *Phone) newRequest(method sip.RequestMethod, to sip.Uri, callID string, cseq uint32) *sip.Request {
	req := sip.NewRequest(method, to)
	from := p.aor(p.cfg.User)
	if p.cfg.From != "" {
		from.User = p.cfg.From
	}
	fh := &sip.FromHeader{Address: from, Params: sip.NewParams()}
	if p.cfg.Anonymous {
		fh.DisplayName = "Anonymous"
		fh.Address = sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}
		req.AppendHeader(sip.NewHeader("Privacy", "id"))
	}
	fh.Params.Add("tag", strings.ToLower(rand.Text()[:12]))
	req.AppendHeader(fh)
	req.AppendHeader(&sip.ToHeader{Address: to, Params: sip.NewParams()})
	id := sip.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: cseq, MethodName: method})
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	req.AppendHeader(&sip.ContactHeader{Address: p.contact(), Params: sip.NewParams()})
	req.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	return req
}

// send starts a transaction whose events come to on, on the owner.
func (p *Phone) send(req *sip.Request, on func(transaction.ClientEvent)) *transaction.Client {
	return p.tx.Request(req, p.flow, func(e transaction.ClientEvent) {
		p.inbox.put(func() { on(e) })
	})
}

// authorize answers the challenge of res on a copy of req with the next CSeq;
// false when there is no challenge that we can answer or the password is wrong.
func (p *Phone) authorize(req *sip.Request, res *sip.Response) (*sip.Request, bool) {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	if p.cfg.Password == "" {
		return nil, false
	}
	sent := ""
	if h := req.GetHeader(answer); h != nil {
		sent = h.Value()
	}
	var challenges []string
	for _, h := range res.GetHeaders(ask) {
		challenges = append(challenges, h.Value())
	}
	client := digest.Client{User: p.cfg.User, Password: p.cfg.Password}
	credentials, err := client.Answer(string(req.Method), req.Recipient.String(), sent, challenges)
	if err != nil {
		return nil, false
	}
	next := req.Clone()
	for next.Via() != nil {
		next.RemoveHeader("Via")
	}
	next.RemoveHeader(answer)
	next.CSeq().SeqNo++
	next.AppendHeader(sip.NewHeader(answer, credentials))
	return next, true
}

func newCallID() string { return strings.ToLower(rand.Text()) }

func headerInt(res *sip.Response, name string, fallback int) int {
	h := res.GetHeader(name)
	if h == nil {
		return fallback
	}
	n, err := strconv.Atoi(strings.TrimSpace(h.Value()))
	if err != nil {
		return fallback
	}
	return n
}
