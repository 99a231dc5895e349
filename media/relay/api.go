package relay

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
)

// shardBits is the part of a LegID that names its shard.
const shardBits = 6

// A Relay owns the RTP ports of a node. All methods are safe for concurrent use;
// those without result post to the leg's shard, are applied in order and never
// block. On an unknown or closed leg they do nothing.
//
// Play, Music and Silence change what a leg hears; its peer, if any, goes on
// hearing the leg until Unbridge, Bridge or Close.
type Relay struct {
	cfg    Config
	ports  *ports
	shards []*shard
	last   atomic.Uint64 // leg number
	told   sync.Map      // LegID to *figures, until Close
}

func (c *Config) validate() error {
	var errs []error
	if !c.IP.IsValid() || c.IP.IsMulticast() {
		errs = append(errs, fmt.Errorf("relay: IP %q is no address to listen on", c.IP))
	}
	if c.PortMin == 0 && c.PortMax == 0 {
		c.PortMin, c.PortMax = 20000, 29999
	}
	if c.PortMin < 1024 || c.PortMax > 65535 || c.PortMin+1 > c.PortMax {
		errs = append(errs, fmt.Errorf("relay: ports %d to %d: want 1024 <= min < max <= 65535", c.PortMin, c.PortMax))
	}
	if c.Shards == 0 {
		c.Shards = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if c.Shards < 0 || c.Shards > 1<<shardBits {
		errs = append(errs, fmt.Errorf("relay: %d shards: want 1 to %d", c.Shards, 1<<shardBits))
	}
	c.IP = c.IP.Unmap()
	if c.Advertise = c.Advertise.Unmap(); !c.Advertise.IsValid() {
		c.Advertise = c.IP
	}
	if c.Advertise.IsUnspecified() || c.Advertise.IsMulticast() {
		errs = append(errs, fmt.Errorf("relay: %q is no address that far ends could send to", c.Advertise))
	}
	c.Rest = max(c.Rest, time.Second)
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Learn <= 0 {
		c.Learn = 3 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(errs...)
}

// New starts the shards. It returns an error when cfg is invalid or the kernel
// refuses what a shard needs.
func New(cfg Config) (*Relay, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Relay{cfg: cfg, ports: newPorts(cfg.PortMin, cfg.PortMax, cfg.Rest)}
	tables := g711.New()
	for range cfg.Shards {
		s := &shard{
			core:  newCore(cfg, tables),
			ports: r.ports,
			log:   cfg.Logger,
			began: time.Now(),
			done:  make(chan struct{}),
		}
		s.core.epoch = s.began.UnixNano() + unixNTP
		var err error
		if cfg.Net != nil {
			s.shell = newMemory(cfg.Net)
		} else if s.shell, err = newKernel(); err != nil {
			r.Shutdown()
			return nil, fmt.Errorf("relay: %w", err)
		}
		r.shards = append(r.shards, s)
		go s.shell.run(s) // ended by Shutdown
	}
	return r, nil
}

// tries is how many ports Open tries that another process has taken.
const tries = 64

// Open binds a pair of ports and returns the RTP address as far ends see it. All legs of one call
// live on one shard. It returns ErrNoPorts, ErrClosed or a socket error.
func (r *Relay) Open(call cti.CallID) (LegID, netip.AddrPort, error) {
	n := r.shardOf(call)
	s := r.shards[n]
	var err error
	for range tries {
		port, ok := r.ports.take(time.Now())
		if !ok {
			return 0, netip.AddrPort{}, errors.Join(ErrNoPorts, err)
		}
		var sock socket
		if sock, err = s.shell.listen(r.cfg.IP, port); err != nil {
			r.ports.give(port, time.Now())
			continue
		}
		l := &leg{
			id:    LegID(r.last.Add(1)<<shardBits | uint64(n)),
			call:  call,
			port:  port,
			sock:  sock,
			hears: silence,
		}
		// The sequence begins in the lower half, so that who misses the first packets of
		// SRTP does not miss its rollover with them.
		l.line.start(rand.Uint32(), uint16(rand.Uint32N(1<<15)), rand.Uint32())
		l.control.cname = newCNAME()
		l.told = &figures{}
		if !s.post(command{op: opOpen, leg: l}) {
			sock.close()
			r.ports.give(port, time.Now())
			return 0, netip.AddrPort{}, ErrClosed
		}
		r.told.Store(l.id, l.told)
		return l.id, netip.AddrPortFrom(r.cfg.Advertise, port), nil
	}
	return 0, netip.AddrPort{}, fmt.Errorf("relay: open: %w", err)
}

func (r *Relay) shardOf(call cti.CallID) int {
	h := fnv.New32a()
	h.Write([]byte(call))
	return int(h.Sum32() % uint32(len(r.shards)))
}

// post hands cmd to the shard of its leg; false when there is none.
func (r *Relay) post(cmd command) bool {
	n := int(cmd.id & (1<<shardBits - 1))
	return n < len(r.shards) && r.shards[n].post(cmd)
}

// SetRemote says who the far end is, from its SDP. A changed address (or NAT
// mark) forgets the lock on the old one; an unchanged one keeps it, and so does
// an invalid one (hold without address), which only stops sending. With far.Send
// the leg is sent silence from now on, so call it when audio may flow. A port of
// ours that is in use counts as no address: two legs that name each other would
// hand one packet round for ever.
func (r *Relay) SetRemote(leg LegID, far Remote) {
	if a := far.Addr.Addr().Unmap(); (a == r.cfg.IP || a == r.cfg.Advertise) && r.ports.taken(far.Addr.Port()) {
		far.Addr = netip.AddrPort{}
	}
	r.post(command{op: opRemote, id: leg, far: far})
}

// Play sends clips in order, once, in place of what is heard now. Nil clips are
// left out; without any the event comes at once.
func (r *Relay) Play(leg LegID, clips []*media.Clip, opts PlayOptions) {
	clips = slices.DeleteFunc(slices.Clone(clips), func(c *media.Clip) bool { return c == nil })
	r.post(command{op: opPlay, id: leg, clips: clips, opts: opts})
}

// Music repeats clip, from its beginning, until another source replaces it.
func (r *Relay) Music(leg LegID, clip *media.Clip) {
	if clip != nil {
		r.post(command{op: opMusic, id: leg, clips: []*media.Clip{clip}})
	}
}

// Silence stops what plays; silence frames keep the path open.
func (r *Relay) Silence(leg LegID) { r.post(command{op: opSilence, id: leg}) }

// Bridge makes a and b hear each other and stops what plays to them. A former
// peer of either hears silence. It returns ErrShards when they live on different
// shards.
func (r *Relay) Bridge(a, b LegID) error {
	if (a^b)&(1<<shardBits-1) != 0 {
		return ErrShards
	}
	r.post(command{op: opBridge, id: a, other: b})
	return nil
}

// Adopt makes leg one of another call: its events name that call from now on. It
// returns ErrShards, and changes nothing, when the legs of the call live on another
// shard, where it could not be bridged with them.
func (r *Relay) Adopt(leg LegID, call cti.CallID) error {
	if int(leg&(1<<shardBits-1)) != r.shardOf(call) {
		return ErrShards
	}
	r.post(command{op: opAdopt, id: leg, call: call})
	return nil
}

// Unbridge parts leg from its peer; who heard the other hears silence.
func (r *Relay) Unbridge(leg LegID) { r.post(command{op: opUnbridge, id: leg}) }

// SendDTMF sends digits (0-9 * # A-D) to the far end by RFC 4733, 100 ms each with
// 60 ms between. Without telephone-event there they are dropped.
func (r *Relay) SendDTMF(leg LegID, digits string) {
	r.post(command{op: opKeys, id: leg, digits: digits})
}

// Close ends the leg. Its ports rest before they are used again.
func (r *Relay) Close(leg LegID) {
	r.told.Delete(leg)
	r.post(command{op: opClose, id: leg})
}

// Stats reads the counters of a leg; zero for an unknown or closed one. It waits
// for the shard (microseconds), so it must not be called in OnEvent.
func (r *Relay) Stats(leg LegID) LegStats {
	reply := make(chan LegStats, 1)
	if !r.post(command{op: opStats, id: leg, reply: reply}) {
		return LegStats{}
	}
	return <-reply
}

// BadRTCP counts RTCP of others than the far end, malformed or more than a leg takes; at most
// one a second and leg.
func (r *Relay) BadRTCP() (n uint64) {
	for _, s := range r.shards {
		n += s.core.badRTCPs.Load()
	}
	return n
}

// FreePorts is how many pairs of ports are not in use, resting ones included.
func (r *Relay) FreePorts() int { return r.ports.available() }

// Panics counts the faults of the packet path; each ended one leg.
func (r *Relay) Panics() (n uint64) {
	for _, s := range r.shards {
		n += s.panics.Load()
	}
	return n
}

// Shutdown closes all legs and returns when the shards have ended.
func (r *Relay) Shutdown() {
	for _, s := range r.shards {
		s.stop()
	}
	for _, s := range r.shards {
		<-s.done
	}
}

// unmapped turns an IPv4-mapped IPv6 address into IPv4.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
