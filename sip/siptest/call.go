package siptest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Call is one call of a UA: its INVITE, the dialog of it, and its audio.
type Call struct {
	UA     *UA
	Invite *Message // the INVITE that began it, ours or theirs
	RTP    *RTP     // nil with NoRTP

	in     chan *Message
	acked  chan *Message
	uac    bool
	local  SDP
	invite *clientTx // of a call that we made
	answer *serverTx // of a call that came

	// Guarded by UA.mu.
	callID              string
	localTag, remoteTag string
	earlyTag            string // of the latest 1xx
	localURI, remoteURI string // From and To without tag
	target              string
	routes              []string
	peer                netip.AddrPort
	cseq                int
	acks                map[string]*sentAck
	repeats             int
	ended               bool
}

type sentAck struct {
	m  *Message
	to netip.AddrPort
}

func newCall(u *UA, callID string) *Call {
	c := &Call{
		UA: u, callID: callID, acks: map[string]*sentAck{},
		in: make(chan *Message, queueSize), acked: make(chan *Message, queueSize),
	}
	c.local.DTMF = 101
	c.local.Addr = netip.AddrPortFrom(u.addr.Addr(), u.addr.Port()+1)
	if u.listen != nil {
		if pc, err := u.listen(); err == nil {
			local := netip.MustParseAddrPort(pc.LocalAddr().String())
			c.RTP = newRTP(pc, uint32(pathSeed(u.addr, local)))
			c.local.Addr = c.RTP.Addr()
			u.rtps = append(u.rtps, c.RTP)
		}
	}
	u.calls[callID] = c
	return c
}

// Invite sends an INVITE with an offer to an address and returns at once.
func (u *UA) Invite(uri string, to netip.AddrPort, fields ...Field) *Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	req := u.newRequest("INVITE", uri, uri)
	c := newCall(u, req.Get("Call-ID"))
	WithSDP(c.local)(req)
	for _, f := range fields {
		f(req)
	}
	if id := req.Get("Call-ID"); id != c.callID {
		delete(u.calls, c.callID)
		c.callID = id
		u.calls[id] = c
	}
	c.uac, c.Invite, c.peer, c.target = true, req, to, uri
	c.localTag = req.Tag("From")
	c.localURI, c.remoteURI = withoutTag(req.Get("From")), req.Get("To")
	c.cseq, _ = req.CSeq()
	c.invite = &clientTx{req: req, to: to, call: c}
	u.start(c.invite)
	return c
}

// newIncoming makes the call of an INVITE that came. u.mu must be held.
func newIncoming(u *UA, tx *serverTx) *Call {
	m := tx.req
	c := newCall(u, m.Get("Call-ID"))
	c.Invite, c.answer, tx.call = m, tx, c
	c.localTag, c.remoteTag = u.id(), m.Tag("From")
	c.localURI, c.remoteURI = m.Get("To"), withoutTag(m.Get("From"))
	c.target, c.routes, c.peer = uriOf(m.Get("Contact")), m.List("Record-Route"), m.From
	c.hear(m)
	return c
}

// withoutTag cuts the parameters that follow the URI.
func withoutTag(s string) string { return strings.TrimSuffix(s, afterURI(s)) }

// learn takes the dialog from a response to our INVITE. u.mu must be held.
func (c *Call) learn(m *Message) {
	if tag := m.Tag("To"); tag != "" && m.Status >= 200 {
		c.remoteTag = tag
		c.routes = m.List("Record-Route")
		slices.Reverse(c.routes)
	}
	if ct := uriOf(m.Get("Contact")); ct != "" {
		c.target = ct
	}
	c.hear(m)
}

// hear points RTP to where the SDP of m says. u.mu must be held.
func (c *Call) hear(m *Message) {
	if s, ok := m.SDP(); ok && c.RTP != nil {
		c.RTP.describe(s)
	}
}

// server finds the INVITE with that CSeq. UA.mu must be held.
func (c *Call) server(cseq int) *serverTx {
	for _, tx := range c.UA.servers {
		if n, method := tx.req.CSeq(); tx.call == c && method == "INVITE" && n == cseq {
			return tx
		}
	}
	return nil
}

// put queues a message for the script. UA.mu must be held.
func (c *Call) put(m *Message) {
	select {
	case c.in <- m:
	default:
	}
}

// open reports whether the call came and has no final response yet.
func (c *Call) open() bool {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	return c.answer != nil && !c.answer.final && !c.UA.closed
}

func (c *Call) end() {
	c.UA.mu.Lock()
	c.ended = true
	c.UA.mu.Unlock()
	if c.RTP != nil {
		c.RTP.Stop()
	}
}

// ID returns the SIP Call-ID.
func (c *Call) ID() string { return c.callID }

// Repeats returns how many retransmissions of the peer were absorbed in this call.
func (c *Call) Repeats() int {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	return c.repeats
}

// Ended reports whether BYE came or was sent.
func (c *Call) Ended() bool {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	return c.ended
}

// Replaces returns the value of Replaces by which the peer knows the dialog (RFC 3891 6.1), as a
// telephone puts it, escaped, into the Refer-To of an attended transfer.
func (c *Call) Replaces() string {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	tag := c.remoteTag
	if tag == "" {
		tag = c.earlyTag
	}
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", c.callID, tag, c.localTag)
}

// Target returns the URI at which the peer is reached inside the dialog.
func (c *Call) Target() string {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	return c.target
}

// SDP returns the description that the call offers or answers with, to be changed and sent
// by WithSDP.
func (c *Call) SDP() SDP { return c.local }

// Respond answers the INVITE of a call that came. A 2xx carries an SDP answer, or an offer when
// the INVITE had none; 183 carries it, too.
func (c *Call) Respond(status int, fields ...Field) *Message {
	if status >= 200 && status < 300 || status == 183 {
		fields = append([]Field{WithSDP(c.described(c.Invite))}, fields...)
	}
	return c.UA.Reply(c.Invite, status, fields...)
}

func (c *Call) described(m *Message) SDP {
	if offer, ok := m.SDP(); ok {
		return c.local.answer(offer)
	}
	return c.local
}

// accept answers without waiting for the ACK.
func (c *Call) accept(fields ...Field) { c.Respond(200, fields...) }

// Answer answers with 200 and waits for the ACK, 32 s at most.
func (c *Call) Answer(fields ...Field) *Message {
	c.UA.tb.Helper()
	c.accept(fields...)
	return c.ExpectAck(timeout)
}

// answerAgain answers a re-INVITE or UPDATE with the SDP that mirrors it.
func (c *Call) answerAgain(m *Message) {
	c.UA.mu.Lock()
	if ct := uriOf(m.Get("Contact")); ct != "" {
		c.target = ct
	}
	c.hear(m)
	if tx := c.UA.servers[txKey(m)]; tx != nil {
		tx.call = c
	}
	c.local.Version++
	c.UA.mu.Unlock()
	if m.Method == "UPDATE" && len(m.Body) == 0 {
		c.UA.Reply(m, 200)
		return
	}
	c.UA.Reply(m, 200, WithSDP(c.described(m)))
}

// NewRequest builds the next request of the dialog (RFC 3261 12.2.1.1).
func (c *Call) NewRequest(method string) *Message {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	m, _ := c.newRequest(method)
	return m
}

// newRequest also says where the request goes. UA.mu must be held.
func (c *Call) newRequest(method string) (*Message, netip.AddrPort) {
	u := c.UA
	m := &Message{Method: method, URI: c.target}
	m.Add("Via", u.via())
	for _, r := range c.routes {
		m.Add("Route", r)
	}
	m.Add("Max-Forwards", "70")
	m.Add("From", c.localURI+";tag="+c.localTag)
	to := c.remoteURI
	if c.remoteTag != "" {
		to += ";tag=" + c.remoteTag
	}
	m.Add("To", to)
	m.Add("Call-ID", c.callID)
	if method != "ACK" {
		c.cseq++
	}
	m.Add("CSeq", fmt.Sprint(c.cseq, " ", method))
	m.Add("Contact", u.contact())
	hop := c.target
	if len(c.routes) > 0 {
		hop = uriOf(c.routes[0])
	}
	if ap, ok := hostPort(hop); ok && u.transport == "UDP" {
		return m, ap
	}
	return m, c.peer
}

// Send sends the next request of the dialog; Expect gets the response.
func (c *Call) Send(method string, fields ...Field) *Message {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	m, to := c.newRequest(method)
	for _, f := range fields {
		f(m)
	}
	tx := &clientTx{req: m, to: to, call: c}
	if method == "INVITE" {
		c.invite = tx
	}
	c.UA.start(tx)
	return m
}

// Ack sends the ACK for a 2xx and remembers it for repeated ones.
func (c *Call) Ack(ok *Message, fields ...Field) *Message {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	c.learn(ok)
	m, to := c.newRequest("ACK")
	n, _ := ok.CSeq()
	m.Set("CSeq", fmt.Sprint(n, " ACK"))
	m.Set("To", ok.Get("To"))
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if v := c.invite.req.Get(name); v != "" {
			m.Set(name, v)
		}
	}
	for _, f := range fields {
		f(m)
	}
	c.acks[ackKey(n, ok.Tag("To"))] = &sentAck{m, to}
	c.UA.write(m, to)
	return m
}

// Cancel sends CANCEL for the INVITE (RFC 3261 9.1); its own response is absorbed.
func (c *Call) Cancel(fields ...Field) *Message {
	c.UA.mu.Lock()
	defer c.UA.mu.Unlock()
	req := c.invite.req
	m := &Message{Method: "CANCEL", URI: req.URI}
	m.Add("Via", req.topVia())
	for _, name := range []string{"Max-Forwards", "From", "To", "Call-ID"} {
		m.Add(name, req.Get(name))
	}
	n, _ := req.CSeq()
	m.Add("CSeq", fmt.Sprint(n, " CANCEL"))
	for _, f := range fields {
		f(m)
	}
	c.UA.start(&clientTx{req: m, to: c.invite.to, call: c, silent: !c.UA.manual})
	return m
}

// Bye sends BYE; Expect gets the response. RTP stops.
func (c *Call) Bye(fields ...Field) *Message {
	c.end()
	return c.Send("BYE", fields...)
}

// Hangup sends BYE and waits for the 200.
func (c *Call) Hangup() {
	c.UA.tb.Helper()
	c.Bye()
	c.Wait(Response("BYE", 200), timeout)
}

// Reinvite sends a re-INVITE with an SDP, waits for the 200 and acknowledges it.
func (c *Call) Reinvite(s SDP) *Message {
	c.UA.tb.Helper()
	s.Version++
	c.local = s
	c.Send("INVITE", WithSDP(s))
	ok := c.Wait(Response("INVITE", 200), timeout)
	if ok != nil {
		c.Ack(ok)
	}
	return ok
}

// Hold puts the peer on hold with a re-INVITE.
func (c *Call) Hold() *Message {
	c.UA.tb.Helper()
	s := c.local
	s.Direction = "sendonly"
	return c.Reinvite(s)
}

// Resume takes the peer back from hold with a re-INVITE.
func (c *Call) Resume() *Message {
	c.UA.tb.Helper()
	s := c.local
	s.Direction = "sendrecv"
	return c.Reinvite(s)
}

// Refer asks the peer to call a URI (RFC 3515) and returns the response to REFER. The NOTIFYs
// are answered and come by Expect.
func (c *Call) Refer(target string, fields ...Field) *Message {
	c.UA.tb.Helper()
	c.Send("REFER", append([]Field{With("Refer-To", "<"+target+">"), With("Referred-By", "<"+c.UA.URI()+">")}, fields...)...)
	return c.Wait(Final("REFER"), timeout)
}

// Established waits for the answer of a call that we made, any 1xx before it, and acknowledges.
func (c *Call) Established(within time.Duration) *Message {
	c.UA.tb.Helper()
	ok := c.Wait(Final("INVITE"), within)
	if ok == nil {
		return nil
	}
	if ok.Status >= 300 {
		c.UA.fatalf("INVITE was answered with %d %s", ok.Status, ok.Reason)
		return nil
	}
	c.Ack(ok)
	return ok
}
