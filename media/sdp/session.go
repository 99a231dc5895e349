package sdp

import (
	"errors"
	"net/netip"
	"time"

	"github.com/lineaamica/la2/media"
)

// Errors of Parse, Answer and Accept; they come wrapped with detail.
var (
	// ErrSyntax: the body is not a session description, even with good will.
	ErrSyntax = errors.New("syntax")
	// ErrTooLarge: more bytes or m-lines than MaxBody, MaxLines.
	ErrTooLarge = errors.New("too large")
	// ErrIncompatible: no audio stream or no codec in common (SIP 488).
	ErrIncompatible = errors.New("nothing in common")
)

const (
	// MaxBody is the largest description read, in bytes.
	MaxBody = 32 << 10
	// MaxLines is the largest number of m-lines read.
	MaxLines = 32
	// EventPT is the payload type that we offer for telephone-event.
	EventPT = 101
)

// A Direction says who sends, seen by whom wrote the description (RFC 3264 5.1).
type Direction uint8

const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// String is the attribute name.
func (d Direction) String() string {
	return [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}[d&3]
}

// Send tells whether who wrote d sends.
func (d Direction) Send() bool { return d == SendRecv || d == SendOnly }

// Recv tells whether who wrote d receives.
func (d Direction) Recv() bool { return d == SendRecv || d == RecvOnly }

// Reverse is d seen by the other side.
func (d Direction) Reverse() Direction { return direction(d.Recv(), d.Send()) }

// And is the most that both d and e (of the same side) allow.
func (d Direction) And(e Direction) Direction {
	return direction(d.Send() && e.Send(), d.Recv() && e.Recv())
}

func direction(send, recv bool) Direction {
	switch {
	case send && recv:
		return SendRecv
	case send:
		return SendOnly
	case recv:
		return RecvOnly
	}
	return Inactive
}

// A Format is one entry of an m-line. Codec is zero for what LA2 cannot play.
type Format struct {
	PT    uint8
	Codec media.Codec
	Name  string // encoding name as written, "" when a dynamic type has no rtpmap
	Rate  int    // Hz
}

// Media is the audio stream that the description would use.
type Media struct {
	Addr      netip.AddrPort // where its author receives; zero when there is no such stream
	Formats   []Format       // in order of preference, telephone-event excluded
	DTMF      uint8          // payload type of telephone-event/8000; 0: none
	Direction Direction      // as its author sees it
	Hold      bool           // c=0.0.0.0: nobody receives (RFC 3264 8.4)
	Ptime     time.Duration  // asked for; 0: not said
	RTCPMux   bool
	RTCP      uint16   // port of a=rtcp at the host of Addr (RFC 3605), 0: not said
	Noise     bool     // comfort noise, payload type 13 (RFC 3389)
	SAVP      bool     // RTP/SAVP or RTP/SAVPF: not to be used without a key (RFC 3711)
	Crypto    []Crypto // the keys that we can use, in order

	refused bool // it names a key that we cannot use
	line    int  // index in Session.Lines
}

// A Line is the frame of one m-line: RFC 3264 wants all of them, in order, in
// each later offer and answer.
type Line struct {
	Kind    string // audio, video, text, ...
	Proto   string // RTP/AVP, ...
	Formats string // as written
	Audio   bool   // the one described by Session.Audio
}

// A Session is what was read of a description.
type Session struct {
	ID, Version string // of o=, as written
	Audio       Media  // what Parse or Choose chose
	Lines       []Line

	streams []Media // all that could be the audio
}

// Local is our side of a description. The zero value of each field but Addr works.
type Local struct {
	Addr netip.AddrPort // where we receive RTP
	// ID and Version go into o=. Keep ID for the life of a dialog, keep Version when
	// the same is said again and add 1 when it changes (RFC 3264 8); see Same.
	ID, Version uint64
	Codecs      []media.Codec // in order of preference; default PCMA, PCMU
	Direction   Direction
	NoDTMF      bool // leave telephone-event out
	// Policy of SRTP, and what we send with: Secrets has one of each suite, best first.
	// Keep them as long as the far end keeps its key: a new one begins a new stream.
	Policy  Policy
	Secrets []media.Secret
	// Lines of the last description of the far end, for a later Offer.
	Lines []Line
}

// Negotiated is what an offer and its answer agree on, from our side.
type Negotiated struct {
	Remote netip.AddrPort // where the far end receives; invalid when it does not
	Codec  media.Codec
	// PT is what we receive Codec on, SendPT what we send it on.
	PT, SendPT uint8
	// DTMFPT is what we receive telephone-event on, SendDTMFPT what we send it on; 0:
	// not negotiated.
	DTMFPT, SendDTMFPT uint8
	Direction          Direction // ours
	Held               bool      // the far end does not want to receive
	Ptime              time.Duration
	RTCPMux            bool   // both ends want RTCP on the port of RTP (RFC 5761)
	RTCP               uint16 // port of the far end's RTCP at the host of Remote, 0: the one above
	Noise              bool   // the far end takes comfort noise
	// Seal is the SRTP key that we send with, Open the one that the far end does; both
	// are zero when the audio is not protected.
	Seal, Open media.Secret
}
