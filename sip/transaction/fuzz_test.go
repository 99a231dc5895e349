package transaction

import (
	"sync"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// A fuzzPeer answers all and checks that whatever leaves can be read.
type fuzzPeer struct {
	mu   sync.Mutex // guards sent
	sent [][]byte
}

func (p *fuzzPeer) Send(_ flow.Flow, b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, b)
	return nil
}

func (p *fuzzPeer) Request(tx *Server) {
	tx.Respond(180, "")
	tx.Respond(200, "")
}
func (p *fuzzPeer) Cancel(tx *Server)              { tx.Respond(487, "") }
func (p *fuzzPeer) Ack(flow.Flow, *sip.Request)    {}
func (p *fuzzPeer) Unacked(*Server)                {}
func (p *fuzzPeer) Stray(flow.Flow, *sip.Response) {}

// FuzzReceive: whatever comes, nothing panics, nothing stays, and what leaves is a message, of
// which there are no more than a transaction needs.
func FuzzReceive(f *testing.F) {
	f.Add(incoming("INVITE", "i", 1))
	f.Add(incoming("CANCEL", "i", 1))
	f.Add(incoming("ACK", "i", 1, "To: <sip:a@b>;tag=t"))
	f.Add(incoming("OPTIONS", "o", 1, "Record-Route: <sip:p;lr>", "k: replaces", "r: <sip:x@y>"))
	f.Add(msg("SIP/2.0 200 OK", "Via: SIP/2.0/UDP h;branch=z9hG4bKx", "From: <sip:a@b>;tag=a", "To: <sip:a@b>;tag=b", "Call-ID: c", "CSeq: 1 INVITE", "Content-Length: 0"))
	f.Add(msg("INFO tel:+39 SIP/2.0", "v: SIP/2.0/UDP [::1]:5060;RPORT", "f: \"a\\\"b\" <sip:a@b>", "t: sip:x", "i: y", "CSeq: 0 INFO"))
	f.Fuzz(func(t *testing.T, text string) {
		var m wire.Message
		if m.Parse([]byte(text)) != nil {
			return
		}
		p := &fuzzPeer{}
		l := New(Config{Shards: 1}, p, p)
		l.Receive(udpFlow, &m)
		l.Receive(udpFlow, &m)
		l.Close()
		if s := l.Stats(); s.Panics != 0 || s.Servers != 0 || s.Clients != 0 {
			t.Errorf("stats = %+v", s)
		}
		if len(p.sent) > 5 {
			t.Errorf("%d messages sent for two", len(p.sent))
		}
		for _, b := range p.sent {
			var out wire.Message
			if err := out.Parse(b); err != nil {
				t.Errorf("%v in what was sent:\n%q", err, b)
			}
		}
	})
}
