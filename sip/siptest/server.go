package siptest

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A serverTx is a request that came (RFC 3261 17.2), with the last response to it.
type serverTx struct {
	req   *Message
	call  *Call
	last  *Message
	final bool
	acked bool
	wait  time.Duration
	end   time.Time
	timer *time.Timer
}

// request takes a request from the reader.
func (u *UA) request(m *Message) {
	u.mu.Lock()
	u.note("< %v %v", m.From, m)
	c := u.calls[m.Get("Call-ID")]
	switch {
	case m.Method == "ACK":
		u.ack(c, m)
		u.mu.Unlock()
		return
	case !u.manual && u.repeated(m):
		u.mu.Unlock()
		return
	}
	invite := u.servers[m.Branch()+" INVITE"] // before m is entered: for CANCEL
	tx := &serverTx{req: m, call: c, timer: time.NewTimer(time.Hour)}
	tx.timer.Stop()
	u.servers[txKey(m)] = tx
	fresh := m.Method == "INVITE" && m.Tag("To") == ""
	if fresh {
		c = newIncoming(u, tx)
	}
	fn, onCall, manual := u.handlers[m.Method], u.onCall, u.manual
	u.mu.Unlock()

	switch {
	case fresh && onCall != nil:
		onCall(c)
	case fresh:
		select {
		case u.incoming <- c:
		default:
		}
	case c == nil:
		u.outside(m, manual)
	default:
		if manual || fn == nil || !fn(c, m) {
			u.inside(c, m, invite, manual)
		}
		u.mu.Lock()
		c.put(m)
		u.mu.Unlock()
	}
}

// repeated answers a request that came before with the response of then. u.mu must be held.
func (u *UA) repeated(m *Message) bool {
	tx := u.servers[txKey(m)]
	if tx == nil {
		return false
	}
	if tx.call != nil {
		tx.call.repeats++
	}
	if tx.last != nil {
		u.write(tx.last, replyAddr(tx.req))
	}
	return true
}

// ack takes an ACK: for a refusal by its branch, for a 2xx by its dialog. u.mu must be held.
func (u *UA) ack(c *Call, m *Message) {
	tx := u.servers[m.Branch()+" INVITE"]
	if tx == nil && c != nil {
		n, _ := m.CSeq()
		tx = c.server(n)
	}
	if tx != nil {
		tx.acked = true
		tx.timer.Stop()
	}
	if c == nil {
		return
	}
	if u.manual {
		c.put(m)
	}
	select {
	case c.acked <- m:
	default:
	}
}

// outside handles a request that belongs to no call.
func (u *UA) outside(m *Message, manual bool) {
	if !manual {
		switch {
		case u.notified(m):
			return
		case m.Tag("To") != "" || m.Method == "CANCEL":
			u.Reply(m, 481)
		case m.Method == "OPTIONS" || m.Method == "NOTIFY" || m.Method == "MESSAGE":
			u.Reply(m, 200)
		}
	}
	select {
	case u.others <- m:
	default:
	}
}

// inside handles a request in a call as a well-behaved phone does.
func (u *UA) inside(c *Call, m *Message, invite *serverTx, manual bool) {
	if manual {
		return
	}
	switch m.Method {
	case "CANCEL":
		if invite == nil {
			u.Reply(m, 481)
			return
		}
		u.Reply(m, 200)
		if c.open() {
			u.Reply(invite.req, 487)
		}
	case "BYE":
		u.Reply(m, 200)
		c.end()
	case "INVITE", "UPDATE":
		c.answerAgain(m)
	case "INFO", "NOTIFY", "OPTIONS", "MESSAGE":
		u.Reply(m, 200)
	}
}

// NewReply builds a response to a request: Via with received and rport, tags, Record-Route,
// Contact for a 2xx or 1xx to INVITE. The To tag is the call's, or a new one outside calls.
func (u *UA) NewReply(req *Message, status int) *Message {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.newReply(req, status)
}

func (u *UA) newReply(req *Message, status int) *Message {
	m := &Message{Status: status, Reason: reasons[status]}
	if m.Reason == "" {
		m.Reason = "Status"
	}
	for i, v := range req.List("Via") {
		if i == 0 {
			v = stamp(v, req.From)
		}
		m.Add("Via", v)
	}
	m.Add("From", req.Get("From"))
	to := req.Get("To")
	if req.Tag("To") == "" && status > 100 {
		tag := ""
		if c := u.calls[req.Get("Call-ID")]; c != nil {
			tag = c.localTag
		}
		if tag == "" {
			tag = u.id()
		}
		to += ";tag=" + tag
	}
	m.Add("To", to)
	m.Add("Call-ID", req.Get("Call-ID"))
	m.Add("CSeq", req.Get("CSeq"))
	if status > 100 && status < 300 {
		for _, rr := range req.All("Record-Route") {
			m.Add("Record-Route", rr)
		}
		m.Add("Contact", u.contact())
		m.Add("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY")
	}
	return m
}

// Reply answers a request. A final response to INVITE is sent again until its ACK comes,
// unless the UA is Manual.
func (u *UA) Reply(req *Message, status int, fields ...Field) *Message {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.newReply(req, status)
	for _, f := range fields {
		f(m)
	}
	to := replyAddr(req)
	u.write(m, to)
	tx := u.servers[txKey(req)]
	if tx == nil {
		return m
	}
	tx.last = m
	if status < 200 {
		return m
	}
	tx.final = true
	if req.Method == "INVITE" && !u.manual && (u.transport == "UDP" || status < 300) {
		tx.wait, tx.end = t1, time.Now().Add(timeout)
		tx.timer = time.AfterFunc(t1, func() { u.resend(tx, m, to) }) // ends by itself; stopped by ACK
	}
	return m
}

func (u *UA) resend(tx *serverTx, m *Message, to netip.AddrPort) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || tx.acked || time.Now().After(tx.end) {
		return
	}
	u.write(m, to)
	tx.wait = min(2*tx.wait, t2)
	tx.timer.Reset(tx.wait)
}

// ExpectRequest waits for a request outside of calls, of any method when method is "".
func (u *UA) ExpectRequest(method string, within time.Duration) *Message {
	u.tb.Helper()
	t := time.NewTimer(within)
	defer t.Stop()
	for {
		select {
		case m := <-u.others:
			if method == "" || m.Method == method {
				return m
			}
		case <-t.C:
			u.fatalf("no %s within %v", method, within)
			return nil
		}
	}
}

// ExpectInvite waits for a new call.
func (u *UA) ExpectInvite(within time.Duration) *Call {
	u.tb.Helper()
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case c := <-u.incoming:
		return c
	case <-t.C:
		u.fatalf("no INVITE within %v", within)
		return nil
	}
}

// ExpectNoInvite fails when a new call comes in that time.
func (u *UA) ExpectNoInvite(within time.Duration) {
	u.tb.Helper()
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case c := <-u.incoming:
		u.fatalf("unexpected %v", c.Invite)
	case <-t.C:
	}
}

// stamp fills received and rport (RFC 3581 4).
func stamp(via string, src netip.AddrPort) string {
	f := strings.Split(via, ";")
	out := f[:1:1]
	asked := false
	for _, p := range f[1:] {
		k, _, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), "rport") {
			p, asked = fmt.Sprintf("rport=%d", src.Port()), true
		}
		out = append(out, p)
	}
	if host := viaAddr(f[0]); asked || host.Addr() != src.Addr() {
		out = append(out, "received="+src.Addr().String())
	}
	return strings.Join(out, ";")
}

// replyAddr is where a response goes (RFC 3261 18.2.2, RFC 3581 4).
func replyAddr(req *Message) netip.AddrPort {
	via := req.topVia()
	head, params, _ := strings.Cut(via, ";")
	for _, p := range strings.Split(params, ";") {
		k, _, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), "rport") {
			return req.From
		}
	}
	if !strings.Contains(strings.ToUpper(head), "/UDP") {
		return req.From
	}
	return netip.AddrPortFrom(req.From.Addr(), viaAddr(head).Port())
}

// viaAddr reads sent-by; port 5060 when it has none.
func viaAddr(head string) netip.AddrPort {
	f := strings.Fields(head)
	if len(f) == 0 {
		return netip.AddrPort{}
	}
	ap, _ := hostPort("sip:" + f[len(f)-1]) // a name gives the zero address
	if ap.Port() == 0 {
		_, port, _ := strings.Cut(f[len(f)-1], ":")
		n := uint16(5060)
		if _, err := fmt.Sscan(port, &n); err != nil {
			n = 5060
		}
		ap = netip.AddrPortFrom(netip.IPv4Unspecified(), n)
	}
	return ap
}

var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized",
	403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 480: "Temporarily Unavailable",
	481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
	488: "Not Acceptable Here", 491: "Request Pending", 500: "Server Internal Error",
	503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
}
