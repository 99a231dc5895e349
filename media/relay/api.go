package relay

import (
	"net/netip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
)

// A Relay owns the RTP ports of a node. All methods are safe for concurrent use;
// those without result post to the leg's shard, are applied in order and never
// block. On an unknown or closed leg they do nothing.
type Relay struct{}

// New starts the shards. It returns an error when cfg is invalid.
func New(cfg Config) (*Relay, error) { return &Relay{}, nil }

// Open binds a pair of ports and returns the RTP address. All legs of one call
// live on one shard. It returns ErrNoPorts, ErrClosed or a socket error.
func (r *Relay) Open(call cti.CallID) (LegID, netip.AddrPort, error) {
	return 0, netip.AddrPort{}, ErrNoPorts
}

// SetRemote says who the far end is, from its SDP. A changed address (or NAT
// mark) forgets the lock on the old one; an unchanged one keeps it.
func (r *Relay) SetRemote(leg LegID, far Remote) {}

// Play sends clips in order, once, in place of what is heard now.
func (r *Relay) Play(leg LegID, clips []*media.Clip, opts PlayOptions) {}

// Music repeats clip until another source replaces it.
func (r *Relay) Music(leg LegID, clip *media.Clip) {}

// Silence stops what plays; silence frames keep the path open.
func (r *Relay) Silence(leg LegID) {}

// Bridge makes a and b hear each other and stops what plays to them. A former
// peer of either hears silence. It returns ErrShards when they live on different
// shards.
func (r *Relay) Bridge(a, b LegID) error { return nil }

// Unbridge parts leg from its peer; both hear silence.
func (r *Relay) Unbridge(leg LegID) {}

// SendDTMF sends digits (0-9 * # A-D) to the far end by RFC 4733, 100 ms each with
// 60 ms between. Without telephone-event there they are dropped.
func (r *Relay) SendDTMF(leg LegID, digits string) {}

// Close ends the leg. Its ports rest before they are used again.
func (r *Relay) Close(leg LegID) {}

// Stats reads the counters of a leg; zero for an unknown one.
func (r *Relay) Stats(leg LegID) LegStats { return LegStats{} }

// Shutdown closes all legs and returns when the shards have ended.
func (r *Relay) Shutdown() {}
