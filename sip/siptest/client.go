package siptest

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// A Field changes a request or response before it is sent.
type Field func(*Message)

// With sets a header field.
func With(name, value string) Field { return func(m *Message) { m.Set(name, value) } }

// Without removes a header field.
func Without(name string) Field { return func(m *Message) { m.Del(name) } }

// WithBody sets body and Content-Type; an empty body takes both away.
func WithBody(contentType, body string) Field {
	return func(m *Message) {
		m.Body = []byte(body)
		m.Del("Content-Type")
		if body != "" {
			m.Set("Content-Type", contentType)
		}
	}
}

// WithSDP sets an SDP body.
func WithSDP(s SDP) Field { return WithBody("application/sdp", s.String()) }

// WithoutSDP sends an INVITE without offer: the other side offers.
func WithoutSDP() Field { return WithBody("", "") }

// WithFrom sets the user part and display name of From.
func WithFrom(display, uri string) Field {
	return func(m *Message) {
		m.Set("From", fmt.Sprintf("%q <%s>;tag=%s", display, uri, m.Tag("From")))
	}
}

// A clientTx is a request on its way (RFC 3261 17.1).
type clientTx struct {
	req    *Message
	to     netip.AddrPort
	call   *Call         // nil outside calls
	result chan *Message // final response, outside calls
	wait   time.Duration // to the next retransmission
	end    time.Time
	timer  *time.Timer
	final  bool
	silent bool // CANCEL: its response is of no interest to the script
	authed bool
}

// newRequest builds a request outside of any dialog. u.mu must be held.
func (u *UA) newRequest(method, uri, to string) *Message {
	m := &Message{Method: method, URI: uri}
	m.Add("Via", u.via())
	m.Add("Max-Forwards", "70")
	m.Add("From", fmt.Sprintf("<sip:%s@%s>;tag=%s", u.user, hostOf(u.addr.Addr()), u.id()))
	m.Add("To", fmt.Sprintf("<%s>", to))
	m.Add("Call-ID", u.id())
	m.Add("CSeq", "1 "+method)
	m.Add("Contact", u.contact())
	m.Add("User-Agent", "siptest")
	return m
}

// hostOf is an address as URIs write it.
func hostOf(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// via makes a Via value with a new branch. u.mu must be held.
func (u *UA) via() string {
	return fmt.Sprintf("SIP/2.0/%s %s;rport;branch=z9hG4bK%s", u.transport, u.host, u.id())
}

func (u *UA) contact() string {
	if u.transport != "UDP" {
		return fmt.Sprintf("<%s;transport=%s>", u.URI(), strings.ToLower(u.transport))
	}
	return fmt.Sprintf("<%s>", u.URI())
}

// start sends a request and repeats it until it is answered. u.mu must be held.
func (u *UA) start(tx *clientTx) {
	u.write(tx.req, tx.to)
	tx.wait, tx.end = t1, time.Now().Add(timeout)
	u.clients[txKey(tx.req)] = tx
	tx.timer = time.AfterFunc(tx.wait, func() { u.repeat(tx) }) // ends by itself; stopped by stop
	if u.manual || u.transport != "UDP" {
		tx.timer.Stop()
	}
}

func (u *UA) repeat(tx *clientTx) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || tx.final || time.Now().After(tx.end) {
		return
	}
	u.write(tx.req, tx.to)
	tx.wait *= 2
	if tx.req.Method != "INVITE" {
		tx.wait = min(tx.wait, t2)
	}
	tx.timer.Reset(tx.wait)
}

func txKey(m *Message) string {
	_, method := m.CSeq()
	return m.Branch() + " " + method
}

// Request sends a request outside of calls and waits for its final response, 32 s at most.
// uri is the Request-URI and To unless a Field says otherwise.
func (u *UA) Request(method, uri string, to netip.AddrPort, fields ...Field) *Message {
	u.tb.Helper()
	u.mu.Lock()
	req := u.newRequest(method, uri, uri)
	for _, f := range fields {
		f(req)
	}
	tx := &clientTx{req: req, to: to, result: make(chan *Message, queueSize)}
	u.start(tx)
	u.mu.Unlock()
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case m := <-tx.result:
		return m
	case <-t.C:
		u.fatalf("no final response to %s within %v", method, timeout)
		return nil
	}
}

// Register binds the UA's contact to its account for so long (0 removes) and returns the final
// response; a challenge is answered.
func (u *UA) Register(registrar netip.AddrPort, expires time.Duration, fields ...Field) *Message {
	u.tb.Helper()
	aor := fmt.Sprintf("sip:%s@%s", u.user, hostOf(registrar.Addr()))
	base := []Field{
		With("To", "<"+aor+">"),
		func(m *Message) { m.Set("From", "<"+aor+">;tag="+m.Tag("From")) },
		With("Expires", fmt.Sprint(int(expires.Seconds()))),
	}
	return u.Request("REGISTER", "sip:"+registrar.String(), registrar, append(base, fields...)...)
}

// response takes a response from the reader.
func (u *UA) response(m *Message) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.note("< %v %v", m.From, m)
	tx := u.clients[txKey(m)]
	if tx == nil {
		u.stray(m)
		return
	}
	invite := tx.req.Method == "INVITE"
	if m.Status < 200 {
		if invite {
			tx.timer.Stop()
			if tag := m.Tag("To"); tag != "" && tx.call != nil {
				tx.call.earlyTag = tag
			}
		}
		u.hand(tx, m)
		return
	}
	tx.timer.Stop()
	seen := tx.final
	tx.final = true
	switch {
	case u.manual:
		u.hand(tx, m)
	case invite && m.Status >= 300:
		u.write(u.refusalAck(tx, m), tx.to)
		if !seen && !u.authorize(tx, m) {
			u.hand(tx, m)
		}
	case invite:
		u.accepted(tx, m, seen)
	case !seen && !u.authorize(tx, m):
		u.hand(tx, m)
	}
}

// stray gives a response without transaction to its call. u.mu must be held.
func (u *UA) stray(m *Message) {
	if c := u.calls[m.Get("Call-ID")]; c != nil {
		c.put(m)
	}
}

// accepted takes a 2xx to INVITE: a repeated one is acknowledged again, with the same ACK
// (RFC 3261 13.2.2.4). u.mu must be held.
func (u *UA) accepted(tx *clientTx, m *Message, seen bool) {
	c := tx.call
	if c == nil {
		u.hand(tx, m)
		return
	}
	n, _ := m.CSeq()
	if a := c.acks[ackKey(n, m.Tag("To"))]; a != nil {
		c.repeats++
		u.write(a.m, a.to)
		return
	}
	if seen && c.remoteTag == m.Tag("To") {
		c.repeats++
		return
	}
	if !seen {
		c.learn(m)
	}
	u.hand(tx, m)
}

func ackKey(cseq int, tag string) string { return fmt.Sprint(cseq, " ", tag) }

// hand gives a response to who waits for it. u.mu must be held.
func (u *UA) hand(tx *clientTx, m *Message) {
	switch {
	case tx.silent:
	case tx.call != nil:
		tx.call.put(m)
	case m.Status >= 200:
		select {
		case tx.result <- m:
		default:
		}
	}
}

// refusalAck builds the ACK for a response other than 2xx (RFC 3261 17.1.1.3).
func (u *UA) refusalAck(tx *clientTx, m *Message) *Message {
	ack := &Message{Method: "ACK", URI: tx.req.URI}
	ack.Add("Via", tx.req.topVia())
	for _, name := range []string{"Max-Forwards", "From"} {
		ack.Add(name, tx.req.Get(name))
	}
	ack.Add("To", m.Get("To"))
	ack.Add("Call-ID", tx.req.Get("Call-ID"))
	n, _ := tx.req.CSeq()
	ack.Add("CSeq", fmt.Sprint(n, " ACK"))
	for _, r := range tx.req.All("Route") {
		ack.Add("Route", r)
	}
	return ack
}

// authorize sends the request again with credentials; false when there is nothing to answer
// or it was tried before. u.mu must be held.
func (u *UA) authorize(tx *clientTx, m *Message) bool {
	ask, say := "WWW-Authenticate", "Authorization"
	if m.Status == 407 {
		ask, say = "Proxy-Authenticate", "Proxy-Authorization"
	}
	if m.Status != 401 && m.Status != 407 || u.password == "" || tx.authed {
		return false
	}
	for _, v := range m.All(ask) {
		chal, err := digest.ParseChallenge(v)
		if err != nil || !digest.CanDigest(chal) {
			continue
		}
		cred, err := digest.Digest(chal, digest.Options{
			Method: tx.req.Method, URI: tx.req.URI, Username: u.user, Password: u.password,
		})
		if err != nil {
			continue
		}
		u.again(tx, say, cred.String())
		return true
	}
	return false
}

// again sends tx.req as a new transaction with one more header field. u.mu must be held.
func (u *UA) again(tx *clientTx, name, value string) {
	req := *tx.req
	req.Headers = append([]Header(nil), tx.req.Headers...)
	n, method := req.CSeq()
	req.Set("CSeq", fmt.Sprint(n+1, " ", method))
	req.Set("Via", u.via())
	req.Del("Authorization")
	req.Del("Proxy-Authorization")
	req.Add(name, value)
	next := &clientTx{req: &req, to: tx.to, call: tx.call, result: tx.result, authed: true}
	if c := tx.call; c != nil {
		c.cseq = n + 1
		if strings.EqualFold(method, "INVITE") {
			c.invite = next
		}
	}
	u.start(next)
}
