package b2bua

import (
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/sdp"
)

// protect sets whether the audio of l is SRTP, by who is at its far end, with keys
// that are its own (RFC 4568).
func (l *leg) protect() {
	l.local.Policy, l.local.Secrets = l.call.sw.cfg.Protect(l.trunk, l.owner), nil
	if l.local.Policy != sdp.Never {
		l.local.Secrets = sdp.Secrets()
	}
}

// read parses a description of the far end of l and takes the stream that its policy
// prefers.
func (l *leg) read(body []byte) (*sdp.Session, error) {
	s, err := sdp.Parse(body)
	if err != nil {
		return nil, err
	}
	s.Choose(l.local.Policy)
	return s, nil
}

// rekeyed draws new keys of ours when the far end offers another one than before:
// who begins anew in one direction may do so in both, and one key must not code two
// streams (RFC 3711 9.1). What we had agreed on is in l.agreed, n is what that offer
// would come to.
func (l *leg) rekeyed(n sdp.Negotiated) {
	if l.agreed.Open.Suite() != media.Plain && l.agreed.Open != n.Open {
		l.local.Secrets = sdp.Secrets()
	}
}

// hardened: a call that talks protected is not talked out of it by a later
// description.
func (l *leg) hardened() {
	if l.talking() && l.agreed.Seal.Suite() != media.Plain {
		l.local.Policy = sdp.Require
	}
}
