package sdp

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/lineaamica/la2/media"
)

// A Policy says whether audio is to be protected by SRTP whose keys stand in the
// descriptions (RFC 4568).
type Policy uint8

const (
	// Never takes and offers RTP alone.
	Never Policy = iota
	// Prefer offers RTP/AVP with keys, which a far end may answer without, and takes
	// what it is offered, protected if it can be.
	Prefer
	// Require offers RTP/SAVP and agrees to nothing that is not protected.
	Require
)

// String is the word of the configuration.
func (p Policy) String() string {
	return [...]string{"never", "prefer", "require", ""}[p&3]
}

// A Crypto is one a=crypto line that we can use (RFC 4568 9.1): Secret is what its
// author sends with.
type Crypto struct {
	Tag    uint32
	Secret media.Secret
}

// maxCrypto is the number of usable a=crypto lines that are read of an m-line.
const maxCrypto = 8

// crypto reads the value of an a=crypto line. It is false for what we must not or
// cannot use: another suite, a key of wrong length, several keys or a key identifier
// (MKI), and session parameters that we do not know, which are mandatory unless
// they begin with a dash (RFC 4568 6.3.7). The lifetime of the key is for its
// author to keep, a window size (WSH) is a hint.
func crypto(value string) (Crypto, bool) {
	f := strings.Fields(value)
	if len(f) < 3 || len(f[0]) > 9 {
		return Crypto{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil {
		return Crypto{}, false
	}
	for _, param := range f[3:] {
		if !strings.HasPrefix(param, "-") && !strings.HasPrefix(param, "WSH=") {
			return Crypto{}, false
		}
	}
	for _, suite := range media.Suites() {
		if suite.String() == f[1] {
			s, ok := inline(suite, f[2])
			return Crypto{uint32(tag), s}, ok
		}
	}
	return Crypto{}, false
}

// inline reads inline:KEY[|LIFETIME] (RFC 4568 6.1). The padding of the key may be
// missing.
func inline(suite media.Suite, params string) (media.Secret, bool) {
	const method = "inline:"
	if len(params) < len(method) || !strings.EqualFold(params[:len(method)], method) || strings.Contains(params, ";") {
		return media.Secret{}, false
	}
	key, rest, _ := strings.Cut(params[len(method):], "|")
	if strings.Contains(rest, ":") { // a key identifier, perhaps behind a lifetime
		return media.Secret{}, false
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(key, "="))
	if err != nil {
		return media.Secret{}, false
	}
	return media.SecretOf(suite, raw)
}

// appendCrypto adds the line of one key.
func appendCrypto(b []byte, c Crypto) []byte {
	b = append(b, "a=crypto:"...)
	b = strconv.AppendUint(b, uint64(c.Tag), 10)
	b = append(b, ' ')
	b = append(b, c.Secret.Suite().String()...)
	b = append(b, " inline:"...)
	b = base64.StdEncoding.AppendEncode(b, append(c.Secret.Key(), c.Secret.Salt()...))
	return append(b, "\r\n"...)
}

// Secrets draws the keys for a Local: one a suite, best first.
func Secrets() []media.Secret {
	var out []media.Secret
	for _, s := range media.Suites() {
		out = append(out, media.NewSecret(s))
	}
	return out
}

// secure tells whether m can be protected.
func (m Media) secure() bool { return len(m.Crypto) > 0 }

// Choose makes that m-line the audio of s which policy p prefers: the first plain
// one for Never, as Parse does; otherwise the first with a key that we can use,
// and for Prefer the first plain one when there is none.
func (s *Session) Choose(p Policy) {
	at := -1
	for i, m := range s.streams {
		plain := !m.SAVP && p != Require
		if p != Never && m.secure() {
			at = i
			break
		}
		if plain && at < 0 {
			at = i
		}
	}
	s.Audio = Media{}
	for i := range s.Lines {
		s.Lines[i].Audio = false
	}
	if at >= 0 {
		s.Audio = s.streams[at]
		s.Lines[s.Audio.line].Audio = true
	}
}

// answerKeys settles the protection of our answer: the line that says it, and what
// n sends and receives with. The order of suites is ours. It fails when the policy
// or the offer wants protection and none can be agreed.
func (n *Negotiated) answerKeys(offered Media, local Local) (Crypto, error) {
	if local.Policy == Never || !offered.secure() {
		if offered.SAVP || local.Policy == Require {
			return Crypto{}, fmt.Errorf("sdp: answer: no SRTP key to use: %w", ErrIncompatible)
		}
		return Crypto{}, nil
	}
	for _, ours := range local.Secrets {
		for _, c := range offered.Crypto {
			if c.Secret.Suite() == ours.Suite() {
				n.Seal, n.Open = ours, c.Secret
				return Crypto{c.Tag, ours}, nil
			}
		}
	}
	return Crypto{}, fmt.Errorf("sdp: answer: no SRTP suite in common: %w", ErrIncompatible)
}

// acceptKeys settles the protection by an answer to our offer, which must name one
// of our lines by tag and suite (RFC 4568 5.1.3). An answer without a key to an
// offer that required one, and one that cannot be used, is refused: what was to be
// protected does not go on without a word.
func (n *Negotiated) acceptKeys(answer Media, offered Local) error {
	if offered.Policy == Never || !answer.secure() && !answer.refused {
		if answer.SAVP || offered.Policy == Require {
			return fmt.Errorf("sdp: accept: answered without an SRTP key: %w", ErrIncompatible)
		}
		return nil
	}
	if len(answer.Crypto) == 1 && !answer.refused {
		c := answer.Crypto[0]
		for i, ours := range offered.Secrets {
			if c.Tag == tagOf(i) && c.Secret.Suite() == ours.Suite() {
				n.Seal, n.Open = ours, c.Secret
				return nil
			}
		}
	}
	return fmt.Errorf("sdp: accept: an SRTP key that was not offered: %w", ErrIncompatible)
}

// tagOf is the tag of the key at index i of Local.Secrets in our offer.
func tagOf(i int) uint32 { return uint32(i) + 1 }
