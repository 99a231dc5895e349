package b2bua

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// Config of a Switch. The zero value of each field works.
type Config struct {
	// Site is our office; the transferred party of an inter-office call is asserted in its name.
	Site cti.SiteID
	// UserAgent is the Server and User-Agent header. Default "LA2".
	UserAgent string
	// Contact is the address at which the far end of a flow reaches us; it is put
	// into Contact and From. Default: the local end of the flow.
	Contact func(flow.Flow) netip.AddrPort
	// RingTime is how long the target of a transfer rings that names no time of its
	// own. Default 60s.
	RingTime time.Duration
	// MaxRing bounds a Dial that names no time, against callers who vanished
	// silently. Default 30m.
	MaxRing time.Duration
	// MaxDuration ends a call that long after its answer. Default 4h; negative: never.
	MaxDuration time.Duration
	// SessionExpires is the session interval that we ask for, and the longest that we
	// grant (RFC 4028). Default 30m; negative: we ask for none.
	SessionExpires time.Duration
	// MinSE is the shortest session interval we accept. Default and minimum 90s
	// (RFC 4028 4).
	MinSE time.Duration
	// Reliable sends provisional responses reliably (RFC 3262) to every caller who
	// supports that, not only to who requires it.
	Reliable bool
	// CommitTimeout bounds the wait for the journal before a 2xx. Default 5s.
	CommitTimeout time.Duration
	// MusicOnHold is the clip that a held or transferred party hears. Default "music".
	MusicOnHold string
	// Credentials answer the challenges of a trunk's peer, for INVITEs and inside
	// dialogs, whoever called. Nil: a challenge is a refusal, as it is for stations.
	Credentials func(trunk string) Credentials
	// Codecs are what a trunk may be offered, best first; "" is a station. Nil, or an
	// empty list: all.
	Codecs func(trunk string) []media.Codec
	// Protect says whether the audio of a station or trunk is SRTP; both are "" for a
	// stranger. Nil: never.
	Protect func(trunk string, station cti.DeviceID) sdp.Policy
	// Ringback is the clip that a caller hears who waits for a telephone that rings,
	// once it hears us. Default "ringback".
	Ringback string
	// Logger. Default: discard.
	Logger *slog.Logger
}

func (c *Config) setDefaults() {
	if c.Contact == nil {
		c.Contact = func(f flow.Flow) netip.AddrPort { return f.Local }
	}
	if c.UserAgent == "" {
		c.UserAgent = "LA2"
	}
	if c.RingTime == 0 {
		c.RingTime = 60 * time.Second
	}
	if c.MaxRing == 0 {
		c.MaxRing = 30 * time.Minute
	}
	if c.MaxDuration == 0 {
		c.MaxDuration = 4 * time.Hour
	}
	if c.SessionExpires == 0 {
		c.SessionExpires = 30 * time.Minute
	}
	if c.MinSE < 90*time.Second {
		c.MinSE = 90 * time.Second
	}
	if c.CommitTimeout == 0 {
		c.CommitTimeout = 5 * time.Second
	}
	if c.MusicOnHold == "" {
		c.MusicOnHold = "music"
	}
	if c.Credentials == nil {
		c.Credentials = func(string) Credentials { return nil }
	}
	if c.Codecs == nil {
		c.Codecs = func(string) []media.Codec { return nil }
	}
	if c.Protect == nil {
		c.Protect = func(string, cti.DeviceID) sdp.Policy { return sdp.Never }
	}
	if c.Ringback == "" {
		c.Ringback = "ringback"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// Deps are what a Switch works with. Transactions, Media, Targets, Events and
// Serve are required.
type Deps struct {
	Transactions *transaction.Layer
	Media        Media
	Events       Events
	// Clips finds a prepared sound by name; false: there is none.
	Clips func(name string) (*media.Clip, bool)
	// Targets says where a destination is, by rank; all of the lowest rank ring at once,
	// the others when those before have failed. It
	// runs on the goroutine of who dials and may block until ctx ends (connecting a
	// flow). Its error is a *cti.Failure or counts as CauseUnreachable; no target
	// counts so too.
	Targets func(ctx context.Context, d cti.Destination) ([]Target, error)
	// Resolve turns the user part of Refer-To into a destination on behalf of the
	// device that sent the REFER ("" for a trunk). Nil, or false: forbidden.
	Resolve func(user string, by cti.DeviceID) (cti.Destination, bool)
	// Colleagues tells whether station a may take over the calls of station b (RFC
	// 3891). Nil: nobody may, but b itself.
	Colleagues func(a, b cti.DeviceID) bool
	// Lines is told of each change of a station's dialog. It must not block. Nil:
	// nobody asks.
	Lines func(Line)
	// Serve is the script of a call; it runs on a goroutine of its own. When it
	// returns the call is hung up with the cause. ctx ends when the caller leaves;
	// context.Cause(ctx) is then a *cti.Failure. in is read only. While a call stands
	// its script waits on a stack that stays as large as the frames below it ask for.
	Serve func(ctx context.Context, in *cti.Inbound, c *Call) cti.Cause
	// Now is the clock of events, UTC. Default time.Now.
	Now func() time.Time
}

// A Target is one place where a destination can be rung.
type Target struct {
	URI  sip.Uri
	Flow flow.Flow
	// Route is a preloaded route set (the Path of a binding), in order.
	Route []sip.Uri
	// Trusted is a node of our own network: it gets the capsule and the asserted
	// identity (RFC 3325 trust domain).
	Trusted bool
	// Asserts is a peer in our trust domain for identities (RFC 3325 2.4) without being
	// a node of ours: it gets the asserted identity. Line is the number of ours that is
	// asserted for who withholds its own, "" for none.
	Asserts bool
	Line    string
	// Identity is what this target may know of the caller: a border rewrites numbers
	// or withholds them. Nil: everything. It is called once by the owner of the call
	// and must not block.
	Identity func(cti.Party) cti.Party
	// Trunk is the peer's name, when the destination names several. Seize is asked just
	// before the INVITE leaves; false passes the target over. Heard is told the first
	// response, nil for nothing in time or no way to send. Both may be nil, are called
	// by the owner of the call and must not block.
	Trunk string
	Seize func() bool
	Heard func(res *sip.Response)
	// Rank orders the targets: those of a higher one wait. Patience is how long the
	// target may say nothing at all before it counts as dead; 0: 64*T1.
	Rank     int
	Patience time.Duration
	// Headers are added to the INVITE. Diverted are those that say where the caller had
	// called; it is asked when the call goes on to another number than dialled, and nil
	// for who is told nothing.
	Headers  []sip.Header
	Diverted func(dialled string, class cti.Class) []sip.Header
	// Reliable asks this target for reliable provisional responses (RFC 3262).
	Reliable bool
	// NAT says that the SDP address of this target is not to be trusted.
	NAT bool
}

// Media is what a Switch asks of the packet path; satisfied by *relay.Relay.
type Media interface {
	Open(call cti.CallID) (relay.LegID, netip.AddrPort, error)
	SetRemote(leg relay.LegID, far relay.Remote)
	Play(leg relay.LegID, clips []*media.Clip, opts relay.PlayOptions)
	Music(leg relay.LegID, clip *media.Clip)
	Silence(leg relay.LegID)
	Bridge(a, b relay.LegID) error
	Unbridge(leg relay.LegID)
	Adopt(leg relay.LegID, call cti.CallID) error
	SendDTMF(leg relay.LegID, digits string)
	Figures(leg relay.LegID) relay.LegStats
	Close(leg relay.LegID)
}

// Events is the stream; satisfied by *stream.Log.
type Events interface {
	// Publish appends an event without waiting for the disk.
	Publish(ev cti.Event) cti.Position
	// Commit returns when the events are durable.
	Commit(ctx context.Context, evs ...cti.Event) error
}
