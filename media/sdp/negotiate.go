package sdp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/lineaamica/la2/media"
)

// Answer builds our answer to offer (RFC 3264 6): one codec, the first of ours
// that it has, on its payload type, so that neither side changes codec later.
// It returns ErrIncompatible when there is none, or no protection that the policy
// asks for.
func Answer(offer *Session, local Local) ([]byte, Negotiated, error) {
	f, ok := pick(offer.Audio, local)
	if !ok {
		return nil, Negotiated{}, fmt.Errorf("sdp: answer: %w", ErrIncompatible)
	}
	n := common(offer.Audio, local)
	n.Codec, n.PT, n.SendPT = f.Codec, f.PT, f.PT
	if !local.NoDTMF {
		n.DTMFPT, n.SendDTMFPT = offer.Audio.DTMF, offer.Audio.DTMF
	}
	key, err := n.answerKeys(offer.Audio, local)
	if err != nil {
		return nil, Negotiated{}, err
	}
	b := appendHead(make([]byte, 0, 320), local)
	for _, l := range offer.Lines {
		if l.Audio {
			b = appendAnswer(b, local, l.Proto, n, key)
			continue
		}
		b = appendRefused(b, l)
	}
	return b, n, nil
}

// Accept reads the answer to the Offer that we made from offered. It returns
// ErrIncompatible when the far end took none of our codecs.
func Accept(answer *Session, offered Local) (Negotiated, error) {
	var f Format
	for _, have := range answer.Audio.Formats { // its first is what it will send
		if has(offered.codecs(), have.Codec) {
			f = have
			break
		}
	}
	if f.Codec == 0 || !answer.Audio.Addr.IsValid() {
		return Negotiated{}, fmt.Errorf("sdp: accept: %w", ErrIncompatible)
	}
	n := common(answer.Audio, offered)
	n.RTCPMux = false // not offered (RFC 5761 5.1.1)
	n.Codec, n.PT, n.SendPT = f.Codec, f.Codec.PT(), f.PT
	if !offered.NoDTMF && answer.Audio.DTMF != 0 {
		n.DTMFPT, n.SendDTMFPT = EventPT, answer.Audio.DTMF
	}
	if err := n.acceptKeys(answer.Audio, offered); err != nil {
		return Negotiated{}, err
	}
	return n, nil
}

// pick finds the codec of ours, in our order, that m has.
func pick(m Media, local Local) (Format, bool) {
	if !m.Addr.IsValid() {
		return Format{}, false
	}
	for _, c := range local.codecs() {
		for _, f := range m.Formats {
			if f.Codec == c && c != 0 {
				return f, true
			}
		}
	}
	return Format{}, false
}

func has(list []media.Codec, c media.Codec) bool {
	for _, x := range list {
		if x == c && c != 0 {
			return true
		}
	}
	return false
}

// common is what does not depend on the codec.
func common(far Media, local Local) Negotiated {
	theirs := far.Direction
	if far.Hold {
		theirs = theirs.And(SendOnly)
	}
	n := Negotiated{
		RTCPMux: far.RTCPMux, RTCP: far.RTCP, Noise: far.Noise,
		Remote:    far.Addr,
		Direction: local.Direction.And(theirs.Reverse()),
		Held:      !theirs.Recv(),
		Ptime:     20 * time.Millisecond,
	}
	if far.Ptime != 0 {
		n.Ptime = far.Ptime
	}
	if far.Hold {
		n.Remote = netip.AddrPort{}
	}
	return n
}
