package b2bua

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
)

// fakeMedia remembers what every open port does: "silence", "music:NAME",
// "play", "bridge:PORT".
type fakeMedia struct {
	mu     sync.Mutex
	last   relay.LegID
	does   map[relay.LegID]string
	far    map[relay.LegID]relay.Remote
	call   map[relay.LegID]cti.CallID
	token  map[relay.LegID]uint64
	digits string
	full   bool
	apart  bool // each call is on a shard of its own
}

func newFakeMedia() *fakeMedia {
	return &fakeMedia{does: map[relay.LegID]string{}, far: map[relay.LegID]relay.Remote{}, call: map[relay.LegID]cti.CallID{}, token: map[relay.LegID]uint64{}}
}

func (m *fakeMedia) Open(call cti.CallID) (relay.LegID, netip.AddrPort, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return 0, netip.AddrPort{}, relay.ErrNoPorts
	}
	m.last++
	m.does[m.last], m.call[m.last] = "silence", call
	return m.last, netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(20000+2*m.last)), nil
}

func (m *fakeMedia) set(leg relay.LegID, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, open := m.does[leg]; open {
		m.does[leg] = what
	}
}

func (m *fakeMedia) SetRemote(leg relay.LegID, far relay.Remote) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.far[leg] = far
}

func (m *fakeMedia) Play(leg relay.LegID, _ []*media.Clip, o relay.PlayOptions) {
	m.set(leg, "play")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token[leg] = o.Token
}
func (m *fakeMedia) Music(leg relay.LegID, clip *media.Clip) { m.set(leg, "music:"+clip.Name()) }
func (m *fakeMedia) Silence(leg relay.LegID)                 { m.set(leg, "silence") }
func (m *fakeMedia) Bridge(a, b relay.LegID) error {
	m.set(a, fmt.Sprint("bridge:", b))
	m.set(b, fmt.Sprint("bridge:", a))
	return nil
}
func (m *fakeMedia) Adopt(leg relay.LegID, call cti.CallID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.apart && m.call[leg] != call {
		return relay.ErrShards
	}
	m.call[leg] = call
	return nil
}
func (m *fakeMedia) Unbridge(leg relay.LegID) { m.set(leg, "silence") }
func (m *fakeMedia) SendDTMF(_ relay.LegID, digits string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.digits += digits
}
func (m *fakeMedia) Figures(relay.LegID) relay.LegStats {
	return relay.LegStats{Received: 98, Expected: 100, Lost: 2, Sent: 100, RTT: 40 * time.Millisecond}
}
func (m *fakeMedia) Close(leg relay.LegID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.does, leg)
}

func (m *fakeMedia) doing(leg relay.LegID) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.does[leg]
}

func (m *fakeMedia) remote(leg relay.LegID) relay.Remote {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.far[leg]
}

func (m *fakeMedia) held() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.does)
}

// event makes what the packet path would tell about leg.
func (m *fakeMedia) event(kind relay.Kind, leg relay.LegID, digit byte) relay.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return relay.Event{Kind: kind, Call: m.call[leg], Leg: leg, Digit: digit, Token: m.token[leg]}
}
