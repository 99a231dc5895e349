package b2bua

import (
	"bytes"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/sip/siptest"
)

// The whole way with the real packet path in memory: menu key by RFC 4733, music
// while the agent rings, audio both ways, hold, transfer. The caller hears one
// SSRC from the first packet to the last and sees no SIP after its ACK.
func TestAudio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, service)
		rl := w.realMedia()
		defer rl.Shutdown()
		defer w.layer.Close()
		defer w.sock.Close()
		music := media.NewClip("music", pattern(0x11), pattern(0x11), nil)
		w.sw.deps.Clips = func(string) (*media.Clip, bool) { return music, true }
		sw := netip.MustParseAddrPort("10.0.0.1:5060")
		agent, target := siptest.NewUA(t, w.net, "10.0.0.2:5060"), siptest.NewUA(t, w.net, "10.0.0.3:5060")
		caller := siptest.NewUA(t, w.net, "10.0.0.50:5060").Invite("sip:803001@10.0.0.1", sw)
		caller.Established(5 * time.Second)
		caller.RTP.Play(siptest.Pattern(0x22))
		time.Sleep(time.Second)
		caller.RTP.SendDTMF("#")
		a := agent.ExpectInvite(5 * time.Second)
		a.Respond(180)
		hears(t, caller, 0x11, "music while the agent rings")
		a.Answer()
		a.RTP.Play(siptest.Pattern(0x33))
		hears(t, caller, 0x33, "the agent")
		hears(t, a, 0x22, "the caller")
		a.Hold()
		hears(t, caller, 0x11, "music on hold")
		a.Resume()
		hears(t, caller, 0x33, "the agent again")
		a.Refer("sip:1003@10.0.0.1")
		b := target.ExpectInvite(5 * time.Second)
		b.Respond(180)
		hears(t, caller, 0x11, "music during the transfer")
		b.Answer()
		b.RTP.Play(siptest.Pattern(0x44))
		hears(t, caller, 0x44, "the target")
		hears(t, b, 0x22, "the caller at the target")
		if !a.Ended() {
			t.Error("the referrer must get BYE")
		}
		if caller.Repeats() != 0 {
			t.Errorf("the caller saw %d repeats", caller.Repeats())
		}
		oneTimeline(t, caller.RTP.Received())
		caller.Hangup()
		time.Sleep(40 * time.Second)
	})
}

// realMedia gives the switch a packet path in memory; the test shuts it down.
func (w *world) realMedia() *relay.Relay {
	w.t.Helper()
	rl, err := relay.New(relay.Config{
		Shards: 1, IP: netip.MustParseAddr("10.0.0.1"), PortMin: 20000, PortMax: 20100,
		Routable: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		OnEvent:  w.sw.MediaEvent,
		Net:      relay.NetworkFunc(func(addr string) (relay.PacketConn, error) { return w.net.Listen(addr) }),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sw.deps.Media = rl
	return rl
}

// hears checks what fills the latest packets of c.
func hears(t *testing.T, c *siptest.Call, want byte, what string) {
	t.Helper()
	time.Sleep(500 * time.Millisecond)
	got := c.RTP.Received()
	for _, p := range got[max(0, len(got)-5):] {
		if bytes.Count(p.Payload, []byte{want}) == len(p.Payload) && len(p.Payload) > 0 {
			return
		}
	}
	t.Errorf("%s is not heard: %d packets\n%s", what, len(got), c.UA.Trace())
}

// oneTimeline checks that all packets are one stream (RFC 3550 5.1).
func oneTimeline(t *testing.T, got []siptest.RTPPacket) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		a, b := got[i-1], got[i]
		if a.SSRC != b.SSRC || b.Seq != a.Seq+1 || int32(b.Timestamp-a.Timestamp) < 0 {
			t.Fatalf("packet %d: ssrc %x seq %d ts %d after ssrc %x seq %d ts %d", i, b.SSRC, b.Seq, b.Timestamp, a.SSRC, a.Seq, a.Timestamp)
		}
	}
}

func pattern(b byte) []byte {
	p := make([]byte, 50*media.FrameSamples)
	for i := range p {
		p[i] = b
	}
	return p
}
