package sdp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lineaamica/la2/media"
)

// Keys of RFC 4568 6.1 and of the length of RFC 7714.
const (
	key80  = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
	keyGCM = "inline:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ=="
	line80 = "1 AES_CM_128_HMAC_SHA1_80 " + key80
	gcm    = "2 AEAD_AES_128_GCM " + keyGCM
)

func TestCrypto_RFC4568_9_1(t *testing.T) {
	tests := []struct {
		name, in string
		suite    media.Suite // Plain: not to be used
	}{
		{"as in the RFC", line80, media.HMAC},
		{"GCM", gcm, media.GCM},
		{"lifetime", line80 + "|2^20", media.HMAC},
		{"lifetime in packets", line80 + "|1048576", media.HMAC},
		{"method in capitals", "1 AES_CM_128_HMAC_SHA1_80 INLINE:" + key80[7:], media.HMAC},
		{"no padding", "7 AEAD_AES_128_GCM " + strings.TrimRight(keyGCM, "="), media.GCM},
		{"window size hint", line80 + " WSH=64", media.HMAC},
		{"optional extension", line80 + " -what=1", media.HMAC},
		{"key identifier", line80 + "|2^20|1:4", media.Plain},
		{"key identifier without lifetime", line80 + "|1:4", media.Plain},
		{"two keys", line80 + "|2^20|1:4;" + key80 + "|2^20|2:4", media.Plain},
		{"without encryption", line80 + " UNENCRYPTED_SRTP", media.Plain},
		{"without authentication", line80 + " UNAUTHENTICATED_SRTP", media.Plain},
		{"SRTCP in the clear", line80 + " UNENCRYPTED_SRTCP", media.Plain},
		{"key derivation rate", line80 + " KDR=20", media.Plain},
		{"mandatory extension", line80 + " what=1", media.Plain},
		{"short tag of authentication", strings.Replace(line80, "_80", "_32", 1), media.Plain},
		{"other suite", strings.Replace(line80, "AES_CM", "F8", 1), media.Plain},
		{"key of the other suite", "1 AEAD_AES_128_GCM " + key80, media.Plain},
		{"key too short", line80[:len(line80)-4], media.Plain},
		{"no base64", line80[:len(line80)-1] + "*", media.Plain},
		{"other method", "1 AES_CM_128_HMAC_SHA1_80 uri:" + key80[7:], media.Plain},
		{"no key", "1 AES_CM_128_HMAC_SHA1_80", media.Plain},
		{"tag with letters", "x" + line80, media.Plain},
		{"tag of ten digits", "123456789" + line80, media.Plain},
		{"empty", "", media.Plain},
	}
	for _, tt := range tests {
		got, ok := crypto(tt.in)
		if ok != (tt.suite != media.Plain) || got.Secret.Suite() != tt.suite {
			t.Errorf("%s: got %v, %v", tt.name, got, ok)
		}
	}
}

// The line of ours is what we read, byte for byte.
func TestCrypto_WrittenAsRead(t *testing.T) {
	for _, in := range []string{line80, gcm} {
		c, _ := crypto(in)
		if got := string(appendCrypto(nil, c)); got != "a=crypto:"+in+"\r\n" {
			t.Errorf("got %q for %q", got, in)
		}
	}
	if raw, _ := base64.StdEncoding.DecodeString(key80[7:]); len(raw) != media.HMAC.SecretLen() {
		t.Errorf("the key of RFC 4568 has %d bytes", len(raw))
	}
}

// with is a description of one audio line a profile, each followed by its lines.
func with(lines ...string) []byte {
	out := []string{"v=0", "o=- 1 1 IN IP4 203.0.113.1", "s=x", "c=IN IP4 203.0.113.1", "t=0 0"}
	for i, l := range lines {
		if strings.HasPrefix(l, "RTP/") {
			l = fmt.Sprintf("m=audio %d %s 8", 4000+2*i, l)
		} else {
			l = "a=crypto:" + l
		}
		out = append(out, l)
	}
	return body(out...)
}

func secured(p Policy) Local {
	l := ours
	l.Policy, l.Secrets = p, Secrets()
	return l
}

// Every policy against what a far end offers: what is agreed, and on which line.
func TestAnswer_Policy(t *testing.T) {
	const refused = media.Suite(9)
	const savp, avp = "RTP/SAVP", "RTP/AVP"
	tests := []struct {
		name                   string
		offer                  []string
		never, prefer, require media.Suite
	}{
		{"plain", []string{avp}, media.Plain, media.Plain, refused},
		{"SAVP, both suites, the worse first", []string{savp, line80, gcm}, refused, media.GCM, media.GCM},
		{"SAVP, one suite", []string{savp, line80}, refused, media.HMAC, media.HMAC},
		{"SAVPF", []string{"RTP/SAVPF", line80}, refused, media.HMAC, media.HMAC},
		{"AVP with a key", []string{avp, line80}, media.Plain, media.HMAC, media.HMAC},
		{"AVP with a key that we cannot use", []string{avp, line80 + "|1:4"}, media.Plain, media.Plain, refused},
		{"SAVP without key", []string{savp}, refused, refused, refused},
		{"SAVP with a key that we cannot use", []string{savp, line80 + " UNENCRYPTED_SRTP"}, refused, refused, refused},
		{"SAVP, then AVP", []string{savp, line80, avp}, media.Plain, media.HMAC, media.HMAC},
		{"AVP, then SAVP", []string{avp, savp, line80}, media.Plain, media.HMAC, media.HMAC},
		{"SAVP that we cannot use, then AVP", []string{savp, avp}, media.Plain, media.Plain, refused},
	}
	for _, tt := range tests {
		for p, want := range []media.Suite{tt.never, tt.prefer, tt.require} {
			offer := must(t, with(tt.offer...))
			offer.Choose(Policy(p))
			local := secured(Policy(p))
			b, n, err := Answer(offer, local)
			if want == refused {
				if !errors.Is(err, ErrIncompatible) || b != nil || n.Seal.Suite() != media.Plain {
					t.Errorf("%s, %v: got %+v, %v", tt.name, Policy(p), n, err)
				}
				continue
			}
			if err != nil || n.Seal.Suite() != want || n.Open.Suite() != want || want != media.Plain && n.Open == n.Seal {
				t.Errorf("%s, %v: got %+v, %v", tt.name, Policy(p), n, err)
				continue
			}
			if got := strings.Count(string(b), "a=crypto:"); got > 1 || (got == 1) != (want != media.Plain) {
				t.Errorf("%s, %v: %d keys in\n%s", tt.name, Policy(p), got, b)
			}
			// The far end reads the same.
			back := must(t, b)
			back.Choose(Policy(p))
			if want != media.Plain && (len(back.Audio.Crypto) != 1 || back.Audio.Crypto[0].Secret != n.Seal || back.Audio.Crypto[0].Tag != tagIn(offer, want)) {
				t.Errorf("%s, %v: our answer says %+v", tt.name, Policy(p), back.Audio)
			}
		}
	}
}

func tagIn(s *Session, suite media.Suite) uint32 {
	for _, c := range s.Audio.Crypto {
		if c.Secret.Suite() == suite {
			return c.Tag
		}
	}
	return 0
}

// Whoever does not Choose gets no weaker answer.
func TestAnswer_RequireWithoutChoose(t *testing.T) {
	if _, _, err := Answer(must(t, with("RTP/SAVP", line80, "RTP/AVP")), secured(Require)); !errors.Is(err, ErrIncompatible) {
		t.Errorf("got %v", err)
	}
}

func TestOffer_Policy(t *testing.T) {
	for p, want := range []string{"m=audio 20000 RTP/AVP 8 0 101", "m=audio 20000 RTP/AVP 8 0 101", "m=audio 20000 RTP/SAVP 8 0 101"} {
		b := Offer(secured(Policy(p)))
		s := must(t, b)
		s.Choose(Policy(p))
		keys := s.Audio.Crypto
		if !strings.Contains(string(b), "\r\n"+want+"\r\n") || len(keys) != 2*min(p, 1) {
			t.Errorf("%v: got %d keys in\n%s", Policy(p), len(keys), b)
		}
		if p > 0 && (keys[0].Tag != 1 || keys[0].Secret.Suite() != media.GCM || keys[1].Tag != 2 || keys[1].Secret.Suite() != media.HMAC) {
			t.Errorf("%v: got %v", Policy(p), keys)
		}
	}
	if plain := Offer(ours); !bytes.Equal(plain, Offer(secured(Never))) {
		t.Error("keys change an offer that is never protected")
	}
}

// What comes back to an offer, downgrades among it.
func TestAccept_Policy(t *testing.T) {
	const refused = media.Suite(9)
	tests := []struct {
		name            string
		answer          []string
		prefer, require media.Suite
	}{
		{"plain answer", []string{"RTP/AVP"}, media.Plain, refused},
		{"SAVP without key", []string{"RTP/SAVP"}, refused, refused},
		{"best suite", []string{"RTP/SAVP", "1 AEAD_AES_128_GCM " + keyGCM}, media.GCM, media.GCM},
		{"other suite", []string{"RTP/SAVP", "2 AES_CM_128_HMAC_SHA1_80 " + key80}, media.HMAC, media.HMAC},
		{"in AVP", []string{"RTP/AVP", "2 AES_CM_128_HMAC_SHA1_80 " + key80}, media.HMAC, media.HMAC},
		{"suite under the tag of another", []string{"RTP/SAVP", line80}, refused, refused},
		{"tag that was not offered", []string{"RTP/SAVP", "3 AES_CM_128_HMAC_SHA1_80 " + key80}, refused, refused},
		{"both suites", []string{"RTP/SAVP", "1 AEAD_AES_128_GCM " + keyGCM, "2 AES_CM_128_HMAC_SHA1_80 " + key80}, refused, refused},
		{"without encryption", []string{"RTP/AVP", "2 AES_CM_128_HMAC_SHA1_80 " + key80 + " UNENCRYPTED_SRTP"}, refused, refused},
	}
	for _, tt := range tests {
		for p, want := range map[Policy]media.Suite{Prefer: tt.prefer, Require: tt.require} {
			answer := must(t, with(tt.answer...))
			answer.Choose(p)
			local := secured(p)
			n, err := Accept(answer, local)
			if want == refused {
				if !errors.Is(err, ErrIncompatible) || n != (Negotiated{}) {
					t.Errorf("%s, %v: got %+v, %v", tt.name, p, n, err)
				}
				continue
			}
			if err != nil || n.Seal.Suite() != want || n.Open.Suite() != want {
				t.Errorf("%s, %v: got %+v, %v", tt.name, p, n, err)
			}
		}
	}
	if _, err := Accept(must(t, with("RTP/SAVP", line80)), ours); !errors.Is(err, ErrIncompatible) {
		t.Errorf("SAVP answered to a plain offer: got %v", err)
	}
}

// Two of us agree on the better suite, each with the key of the other.
func TestOfferAnswerAccept_GCM(t *testing.T) {
	a, b := secured(Prefer), secured(Require)
	offer := must(t, Offer(a))
	offer.Choose(b.Policy)
	raw, nb, err := Answer(offer, b)
	if err != nil {
		t.Fatal(err)
	}
	answer := must(t, raw)
	answer.Choose(a.Policy)
	na, err := Accept(answer, a)
	if err != nil || na.Seal != nb.Open || na.Open != nb.Seal || na.Seal.Suite() != media.GCM || na.Seal != a.Secrets[0] {
		t.Errorf("got %+v and %+v, %v", na, nb, err)
	}
}

func TestParse_BoundsKeys(t *testing.T) {
	lines := []string{"RTP/SAVP"}
	for range 300 {
		lines = append(lines, line80)
	}
	s := must(t, with(lines...))
	s.Choose(Require)
	if n := len(s.Audio.Crypto); n != maxCrypto {
		t.Errorf("got %d keys, want %d", n, maxCrypto)
	}
}

// Under every policy: what must be protected is, and our key is said exactly when
// it is used.
func FuzzAnswer_Policy(f *testing.F) {
	f.Add(with("RTP/SAVP", line80, gcm))
	f.Add(with("RTP/AVP", line80, "RTP/SAVP"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for p := Never; p <= Require; p++ {
			s, err := Parse(b)
			if err != nil {
				return
			}
			s.Choose(p)
			local := secured(p)
			out, n, err := Answer(s, local)
			if err != nil {
				continue
			}
			protected := n.Seal.Suite() != media.Plain
			if p == Require && !protected || p == Never && protected || s.Audio.SAVP && !protected || n.Open.Suite() != n.Seal.Suite() {
				t.Fatalf("%v agreed on %+v", p, n)
			}
			if protected != bytes.Contains(out, []byte("a=crypto:")) {
				t.Fatalf("%v: protected %v in\n%s", p, protected, out)
			}
		}
	})
}
