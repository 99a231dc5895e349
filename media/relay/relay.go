package relay

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
)

// Errors of Open, New and Bridge.
var (
	// ErrNoPorts: every port of the range is taken or still rests.
	ErrNoPorts = errors.New("relay: no free port")
	// ErrClosed: Shutdown was called.
	ErrClosed = errors.New("relay: shut down")
	// ErrShards: the two legs were opened for different calls that live on
	// different shards.
	ErrShards = errors.New("relay: legs of different shards")
)

// A LegID names one leg of the relay. It is never used twice.
type LegID uint64

// Config of a Relay. The zero value of each field but IP works.
type Config struct {
	// Shards is the number of packet threads. Default half the processors, at
	// least 1; at most 64.
	Shards int
	// IP is the address to receive on; it also says which far ends count as
	// routable (see Routable). Required.
	IP netip.Addr
	// Advertise is the address at which far ends reach IP, through a NAT that keeps ports; Open
	// tells it. Default IP.
	Advertise netip.Addr
	// PortMin and PortMax bound the ports: even ones carry RTP, the odd one above
	// each RTCP. Default 20000 to 29999.
	PortMin, PortMax int
	// Rest is how long a port stays unused after Close, so that the next call does
	// not hear the last one. Default and minimum 1 s.
	Rest time.Duration
	// Timeout is how long a leg that should send may be silent before a
	// MediaTimeout event. Default 30 s; negative: never.
	Timeout time.Duration
	// Learn is how long a source may take to show itself as the far end of a leg
	// whose SDP address is private or NAT flagged. Default 3 s.
	Learn time.Duration
	// Routable lists private networks that this node reaches without NAT. Audio is
	// sent to an SDP address in them before any packet came from there. Loopback
	// counts as routable when IP is a loopback address.
	Routable []netip.Prefix
	// Allow reports whether anything may be sent to an address that an SDP names. Unspecified
	// and multicast addresses are refused anyway, and loopback ones unless IP is one. Default:
	// all others are allowed.
	Allow func(netip.Addr) bool
	// OnEvent receives what happens to legs, on the shard's thread: it must not
	// block nor call Stats or Shutdown. The other methods are safe in it.
	OnEvent func(Event)
	// Logger receives failures of the packet path. Default: none.
	Logger *slog.Logger
	// Net, if set, replaces the kernel's sockets (for tests).
	Net Network
}

// A Remote is the far end of a leg as its SDP describes it.
type Remote struct {
	// Addr is where the far end receives; invalid or port 0 when it does not.
	Addr netip.AddrPort
	// Codec is what we send. Every codec is accepted on receipt, on its static type.
	Codec media.Codec
	// PT is the payload type on which the far end sends Codec, SendPT the one on
	// which we send it.
	PT, SendPT uint8
	// DTMFPT is the payload type of telephone-event (RFC 4733) from the far end,
	// SendDTMFPT the one towards it (0: the same as DTMFPT). 0: none.
	DTMFPT, SendDTMFPT uint8
	// Seal is the SRTP key that we send with, Open the one that the far end does. Both
	// zero: plain RTP. A key that has not changed goes on where it was.
	Seal, Open media.Secret
	// Send allows sending to the far end, Recv accepts what it sends: false when
	// held.
	Send, Recv bool
	// Ptime is what the far end asked for. For now all that we play has 20 ms.
	Ptime time.Duration
	// RTCP is the port on which the far end receives RTCP, at the host of Addr; 0: the one
	// above that of Addr. Mux: it wants RTCP on the port of RTP (RFC 5761).
	RTCP uint16
	Mux  bool
	// Noise says that the far end takes comfort noise (RFC 3389) on payload type 13.
	Noise bool
	// Answered says that the call is answered, so that the far end must send if it may.
	Answered bool
	// NAT says that the far end sits behind an address translator, so that Addr is
	// not to be trusted.
	NAT bool
	// Signal is the address its signalling came from. If valid, only packets from
	// it (or from Addr) are learnt.
	Signal netip.Addr
}

// PlayOptions of Play.
type PlayOptions struct {
	// Token comes back in the PlayDone event.
	Token uint64
	// Resume goes back to the music or the peer that played before; otherwise
	// silence follows.
	Resume bool
}

// A Kind says what an Event tells.
type Kind uint8

const (
	// Digit: the far end pressed Digit (RFC 4733), reported once, at its first packet.
	Digit Kind = iota + 1
	// PlayDone: what Play started with Token was sent to its end. Not sent when
	// something replaced it.
	PlayDone
	// MediaTimeout: the far end should send and was silent for Config.Timeout. Once,
	// until a packet comes or SetRemote is called.
	MediaTimeout
	// OneWay: the far end was to send since it answered (Remote.Answered) and has not, though
	// it may be heard to live by its RTCP. Once a leg, within 3 s; 10 s where the far end knows
	// comfort noise and may say nothing while there is silence.
	OneWay
	// FirstPacket: the first packet was accepted since Open or a SetRemote that
	// moved the far end.
	FirstPacket
)

// String is for logs.
func (k Kind) String() string {
	switch k {
	case Digit:
		return "digit"
	case PlayDone:
		return "play_done"
	case MediaTimeout:
		return "media_timeout"
	case OneWay:
		return "one_way"
	case FirstPacket:
		return "first_packet"
	}
	return "unknown"
}

// An Event is what happened to a leg.
type Event struct {
	Kind  Kind
	Call  cti.CallID
	Leg   LegID
	Digit byte   // of Digit: 0-9 * # A-D
	Token uint64 // of PlayDone
}

// LegStats counts packets of one leg since Open.
type LegStats struct {
	Received  uint64 // accepted from the far end
	Sent      uint64 // sent to the far end, whatever the source
	Foreign   uint64 // from another source than the far end; dropped
	Malformed uint64 // not RTP version 2, or too short; dropped
	Unwanted  uint64 // other payload type, or while held; dropped
	RTCP      uint64 // RTCP packets of the far end
	RTCPSent  uint64 // reports to it
	BadRTCP   uint64 // RTCP of others, malformed or too much; at most one a second is counted
	Forged    uint64 // SRTP that does not authenticate; dropped
	Replayed  uint64 // SRTP that came before; dropped
	Late      uint64 // too old for the timeline of the other side; dropped
	SendError uint64 // refused by the kernel, or not to be protected

	// Octets of payload, RTP header extensions included.
	ReceivedBytes, SentBytes uint64

	// What came from the far end, by sequence number (RFC 3550 A.3, A.8).
	Expected   uint64 // packets that it sent as far as we know
	Lost       uint64 // those of them that did not come
	Reordered  uint64
	Duplicates uint64
	Jitter     time.Duration // between arrivals, smoothed

	// What its last report said of what we send; zero without one.
	RTT         time.Duration
	FarLost     uint64        // since the beginning
	FarFraction uint8         // lost since its last report but one, in 256ths
	FarJitter   time.Duration // at the clock rate of G.711

	// Locked is the address of the far end once known.
	Locked netip.AddrPort
}
