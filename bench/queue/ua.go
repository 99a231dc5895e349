package main

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/lineaamica/la2/sip/wire"
)

// A party is one side of one call as this driver plays it: enough of RFC 3261 for
// a peer on loopback, with the retransmission of what a busy machine may lose.
type party struct {
	from, to, callID string // header values as we send them, tags included
	target           string // Request-URI of what we send in the dialog
	cseq             int
	user             string        // of an agent
	quiet            chan struct{} // ends the repetition of what was sent last
	acked, ended     bool
}

// A side is one socket and the parties behind it.
type side struct {
	conn   *net.UDPConn
	server *net.UDPAddr
	name   string
	on     func(p *party, m *wire.Message) // a message of a known or new party

	mu      sync.Mutex // guards parties and their state
	parties map[string]*party
	made    int
}

func newSide(name, addr, server string) (*side, error) {
	at, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	to, err := net.ResolveUDPAddr("udp", server)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20)
	return &side{conn: conn, server: to, name: name, parties: map[string]*party{}}, nil
}

// read serves the socket until it closes.
func (s *side) read() {
	buf := make([]byte, 65536)
	for {
		n, _, err := s.conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		var m wire.Message
		if m.Parse(buf[:n]) != nil {
			continue
		}
		s.mu.Lock()
		p := s.parties[string(m.CallID())]
		if p == nil && m.IsRequest() && m.Method() == wire.Invite && len(m.ToTag()) == 0 {
			p = s.answering(&m)
		}
		if p != nil {
			s.on(p, &m)
		}
		s.mu.Unlock()
	}
}

// answering makes the party that m calls.
func (s *side) answering(m *wire.Message) *party {
	s.made++
	p := &party{callID: string(m.CallID()), to: string(m.Header("From")), cseq: 1,
		from: fmt.Sprintf("%s;tag=%s%d", m.Header("To"), s.name, s.made), target: uriOf(m.Header("Contact")), user: userOf(m.RequestURI())}
	s.parties[p.callID] = p
	return p
}

func (s *side) addr() string { return s.conn.LocalAddr().String() }

func (s *side) send(b []byte) { _, _ = s.conn.WriteToUDP(b, s.server) }

// request sends a request of p, and again until hush.
func (s *side) request(p *party, method, body string) {
	s.made++
	p.cseq++
	b := s.build(p, method, body)
	if method == "ACK" {
		s.send(b)
		return
	}
	s.repeat(p, b)
}

func (s *side) build(p *party, method, body string) []byte {
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%d\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"+
		"CSeq: %d %s\r\nContact: <sip:%s@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, p.target, s.addr(), s.name, s.made, p.from, p.to, p.callID, p.cseq, method, s.name, s.addr(), kind, len(body), body)
}

// answer sends a final 200 with SDP to the INVITE whose reply headers are head, and
// again until the ACK.
func (s *side) answer(p *party, head []byte) {
	body := sdp()
	cut := strings.TrimSuffix(string(head), "Content-Length: 0\r\n\r\n")
	s.repeat(p, fmt.Appendf(nil, "%sContact: <sip:%s@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", cut, p.user, s.addr(), len(body), body))
}

func (s *side) reply(p *party, m *wire.Message, status int, reason string) {
	s.send(wire.AppendReply(nil, m, status, reason, p.tag()))
}

// tag is our own.
func (p *party) tag() string { return p.from[strings.LastIndex(p.from, "tag=")+len("tag="):] }

// repeat sends b every half second until hush, for eight seconds at most.
func (s *side) repeat(p *party, b []byte) {
	s.hush(p)
	quiet := make(chan struct{})
	p.quiet = quiet
	s.send(b)
	go func() { // ends by hush, or after eight seconds
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for range 16 {
			select {
			case <-tick.C:
				s.send(b)
			case <-quiet:
				return
			}
		}
	}()
}

// hush ends the repetition. s.mu must be held.
func (s *side) hush(p *party) {
	if p.quiet != nil {
		close(p.quiet)
		p.quiet = nil
	}
}

func sdp() string {
	return "v=0\r\no=q 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6100 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
}

// uriOf takes the URI out of a name-addr.
func uriOf(v []byte) string {
	s := string(v)
	if _, in, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(in, ">")
	}
	return s
}

func userOf(uri []byte) string {
	_, rest, _ := strings.Cut(string(uri), ":")
	user, _, _ := strings.Cut(rest, "@")
	return user
}
