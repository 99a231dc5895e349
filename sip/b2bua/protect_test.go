package b2bua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/media/sdp"
)

// keyed is the description of p with a key for each given tag and secret.
func (p *phone) keyed(profile string, keys ...string) string {
	body := strings.Replace(p.sdp("sendrecv"), "RTP/AVP", profile, 1)
	for _, k := range keys {
		body += "a=crypto:" + k + "\n"
	}
	return body
}

const (
	gcmKey  = " AEAD_AES_128_GCM inline:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ=="
	gcmKey2 = " AEAD_AES_128_GCM inline:YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYg=="
	hmacKey = " AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
)

// protectedWorld has policies for the caller and for station 1002.
func protectedWorld(w *world, caller, agent sdp.Policy) {
	w.sw.cfg.Protect = func(_ string, station cti.DeviceID) sdp.Policy {
		if station == "1002" {
			return agent
		}
		return caller
	}
}

// audioOf reads a description of ours.
func audioOf(t *testing.T, m sip.Message) sdp.Media {
	t.Helper()
	s, err := sdp.Parse(m.Body())
	if err != nil {
		t.Fatal(err)
	}
	s.Choose(sdp.Prefer)
	return s.Audio
}

// farOf is what the packet path knows of p, zero for nothing.
func (w *world) farOf(p *phone) (out relay.Remote) {
	synctest.Wait()
	w.media.mu.Lock()
	defer w.media.mu.Unlock()
	for _, far := range w.media.far {
		if far.Addr.Addr() == p.addr.Addr() {
			out = far
		}
	}
	return out
}

// suites are those in which p is spoken to and heard.
func (w *world) suites(p *phone) [2]media.Suite {
	far := w.farOf(p)
	return [2]media.Suite{far.Seal.Suite(), far.Open.Suite()}
}

// takes answers the call at p with a plain description.
func (p *phone) takes() {
	p.w.t.Helper()
	p.reply(p.expect("INVITE").(*sip.Request), 200, p.sdp("sendrecv"))
	p.expect("ACK")
}

// A caller under one policy with an agent under another: each leg for itself.
func TestProtect_EachLeg(t *testing.T) {
	scenario(t, connect, func(w *world) {
		protectedWorld(w, sdp.Require, sdp.Prefer)
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.keyed("RTP/SAVP", "5"+hmacKey, "6"+gcmKey))
		invite := callee.expect("INVITE").(*sip.Request)
		offer := audioOf(t, invite)
		if offer.SAVP || len(offer.Crypto) != 2 || offer.Crypto[0].Secret.Suite() != media.GCM {
			t.Errorf("the offer to the callee: %+v", offer)
		}
		callee.reply(invite, 200, callee.keyed("RTP/AVP", "2"+hmacKey))
		callee.expect("ACK")
		ok := caller.expect("200")
		caller.ack("")
		answer := audioOf(t, ok)
		if !answer.SAVP || len(answer.Crypto) != 1 || answer.Crypto[0].Tag != 6 || answer.Crypto[0].Secret.Suite() != media.GCM {
			t.Errorf("the answer to the caller: %+v", answer)
		}
		if a, b := w.suites(caller), w.suites(callee); a != [2]media.Suite{media.GCM, media.GCM} || b != [2]media.Suite{media.HMAC, media.HMAC} {
			t.Errorf("the packet path has %v and %v", a, b)
		}
		for _, c := range offer.Crypto {
			if c.Secret == answer.Crypto[0].Secret {
				t.Error("one key on two legs")
			}
		}
		hangUpBoth(caller, callee)
	})
}

// hangUpBoth ends the call from the caller's side.
func hangUpBoth(caller, callee *phone) {
	callee.auto200 = true
	caller.request("BYE", "")
	caller.expect("200")
	callee.expect("BYE")
}

// What cannot be protected and must is refused, not connected in the clear.
func TestProtect_CallerRefused(t *testing.T) {
	tests := []struct {
		name   string
		policy sdp.Policy
		offer  func(p *phone) string
		status string
	}{
		{"required, offered plain", sdp.Require, func(p *phone) string { return p.sdp("sendrecv") }, "488"},
		{"required, key of no use", sdp.Require, func(p *phone) string { return p.keyed("RTP/SAVP", "1"+hmacKey+"|2^20|1:4") }, "488"},
		{"preferred, SAVP without key", sdp.Prefer, func(p *phone) string { return p.keyed("RTP/SAVP") }, "488"},
		{"never, SAVP", sdp.Never, func(p *phone) string { return p.keyed("RTP/SAVP", "1"+gcmKey) }, "488"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, connect)
				defer w.layer.Close()
				defer w.sock.Close()
				protectedWorld(w, tt.policy, sdp.Never)
				caller := w.phone("1050")
				caller.dial("1002", tt.offer(caller))
				caller.expect(tt.status)
				caller.ackFailure()
				time.Sleep(40 * time.Second)
			})
		})
	}
}

// A callee that answers a required offer in the clear, or with a key that was not
// offered, gets ACK and BYE.
func TestProtect_CalleeDowngrades(t *testing.T) {
	for name, answer := range map[string]func(p *phone) string{
		"AVP":         func(p *phone) string { return p.sdp("sendrecv") },
		"SAVP no key": func(p *phone) string { return p.keyed("RTP/SAVP") },
		"wrong tag":   func(p *phone) string { return p.keyed("RTP/SAVP", "1"+hmacKey) },
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, connect, func(w *world) {
				protectedWorld(w, sdp.Never, sdp.Require)
				caller, callee := w.phone("1050"), w.phone("1002")
				caller.dial("1002", caller.sdp("sendrecv"))
				invite := callee.expect("INVITE").(*sip.Request)
				if offer := audioOf(t, invite); !offer.SAVP || len(offer.Crypto) != 2 {
					t.Errorf("the offer: %+v", offer)
				}
				callee.reply(invite, 200, answer(callee))
				callee.expect("ACK")
				callee.reply(callee.expect("BYE").(*sip.Request), 200, "")
				caller.expect("488")
				caller.ackFailure()
				if far := w.farOf(callee); far.Addr.IsValid() {
					t.Errorf("the packet path was told %+v", far)
				}
			})
		})
	}
}

// A protected call stays so: a plain re-INVITE is refused under prefer as well, and
// changes nothing.
func TestProtect_NoDowngradeLater(t *testing.T) {
	scenario(t, connect, func(w *world) {
		protectedWorld(w, sdp.Prefer, sdp.Never)
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.keyed("RTP/AVP", "1"+gcmKey))
		callee.takes()
		caller.expect("200")
		caller.ack("")
		time.Sleep(10 * time.Millisecond)
		before := w.farOf(caller)
		caller.request("INVITE", caller.sdp("sendrecv"))
		caller.expect("488")
		caller.ackFailure()
		if after := w.farOf(caller); after != before || after.Seal.Suite() != media.GCM {
			t.Errorf("the packet path has %+v, had %+v", after, before)
		}
		hangUpBoth(caller, callee)
	})
}

// The same key again keeps ours, so that both sides go on; another one brings a
// new one of ours (RFC 4568 7.1.4).
func TestProtect_Rekey(t *testing.T) {
	scenario(t, connect, func(w *world) {
		protectedWorld(w, sdp.Require, sdp.Never)
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.keyed("RTP/SAVP", "1"+gcmKey))
		callee.takes()
		first := audioOf(t, caller.expect("200")).Crypto[0]
		caller.ack("")
		for i, key := range []string{gcmKey, gcmKey2, gcmKey2} {
			caller.request("INVITE", caller.keyed("RTP/SAVP", "1"+key))
			now := audioOf(t, caller.expect("200")).Crypto[0]
			caller.ack("")
			if (now == first) != (i != 1) {
				t.Errorf("re-INVITE %d: our key the same as before: %v", i, now == first)
			}
			first = now
			if far := w.farOf(caller); far.Seal != now.Secret {
				t.Errorf("re-INVITE %d: the packet path seals with another key", i)
			}
		}
		hangUpBoth(caller, callee)
	})
}

// Under prefer a callee without SRTP is connected all the same.
func TestProtect_PreferTakesPlain(t *testing.T) {
	scenario(t, connect, func(w *world) {
		protectedWorld(w, sdp.Never, sdp.Prefer)
		caller, callee := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		callee.takes()
		if ok := caller.expect("200"); strings.Contains(string(ok.Body()), "crypto") {
			t.Errorf("a key in the answer to a plain offer:\n%s", ok.Body())
		}
		caller.ack("")
		if got := w.suites(callee); got != [2]media.Suite{} {
			t.Errorf("got %v", got)
		}
		hangUpBoth(caller, callee)
	})
}
