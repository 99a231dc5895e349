package siptest

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	aliceAddr = netip.MustParseAddrPort("10.0.0.1:5060")
	bobAddr   = netip.MustParseAddrPort("10.0.0.2:5060")
)

func pair(t *testing.T, opts ...Option) (*Network, *UA, *UA) {
	nw := NewNetwork(1)
	return nw, NewUA(t, nw, aliceAddr.String(), opts...), NewUA(t, nw, bobAddr.String(), opts...)
}

func established(t *testing.T, alice, bob *UA) (*Call, *Call) {
	t.Helper()
	out := alice.Invite("sip:bob@10.0.0.2", bobAddr)
	in := bob.ExpectInvite(time.Second)
	in.Respond(180)
	out.Expect(Status(180), time.Second)
	in.accept()
	out.Established(time.Second)
	in.ExpectAck(time.Second)
	return out, in
}

func TestCallWithAudio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, alice, bob := pair(t)
		out, in := established(t, alice, bob)
		out.RTP.Play(Pattern(0x11))
		in.RTP.Play(Tone(1000))
		if !in.RTP.WaitPackets(50, 1100*time.Millisecond) {
			t.Fatalf("bob received %d packets in 1.1 s, want 50", len(in.RTP.Received()))
		}
		if got := in.RTP.Hears(0x11); got < 50 {
			t.Errorf("bob hears %d patterned packets, want 50", got)
		}
		if got := out.RTP.ToneShare(1000, 40); got < 0.95 {
			t.Errorf("alice hears 1000 Hz with share %.2f, want all", got)
		}
		if got := out.RTP.ToneShare(700, 40); got > 0.05 {
			t.Errorf("alice hears 700 Hz with share %.2f, want none", got)
		}
		in.Hangup()
		out.Expect(Request("BYE"), time.Second)
		if !out.Ended() || !in.Ended() {
			t.Error("a call is not ended after BYE")
		}
	})
}

func TestCancel_RFC3261_9(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, alice, bob := pair(t)
		out := alice.Invite("sip:bob@10.0.0.2", bobAddr)
		in := bob.ExpectInvite(time.Second)
		in.Respond(180)
		out.Expect(Status(180), time.Second)
		out.Cancel()
		out.Expect(Status(487), time.Second)
		in.Expect(Request("CANCEL"), time.Second)
		in.ExpectAck(time.Second)
	})
}

func TestLossIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(20) {
			nw := NewNetwork(seed)
			nw.SetDefault(Link{Delay: 20 * time.Millisecond, Loss: 0.2, Duplicate: 0.1, Reorder: 0.1})
			alice, bob := NewUA(t, nw, aliceAddr.String()), NewUA(t, nw, bobAddr.String())
			out := alice.Invite("sip:bob@10.0.0.2", bobAddr)
			in := bob.ExpectInvite(timeout)
			in.accept()
			out.Established(timeout)
			in.ExpectAck(timeout)
			out.Hangup()
			alice.Close()
			bob.Close()
		}
	})
}

func TestLostAckRepeats2xx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw, alice, bob := pair(t)
		nw.Drop(2, func(p Packet) bool { return strings.HasPrefix(string(p.Bytes), "ACK ") })
		out := alice.Invite("sip:bob@10.0.0.2", bobAddr)
		in := bob.ExpectInvite(time.Second)
		in.accept()
		out.Established(time.Second)
		in.ExpectAck(5 * time.Second)
		if got := out.Repeats(); got != 2 {
			t.Errorf("alice absorbed %d repeated 2xx, want 2", got)
		}
		if got := nw.Stats().Filtered; got != 2 {
			t.Errorf("network dropped %d, want 2", got)
		}
	})
}

func TestHoldResumeRefer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, alice, bob := pair(t)
		out, in := established(t, alice, bob)
		if ok := out.Hold(); !strings.Contains(string(ok.Body), "a=recvonly") {
			t.Errorf("answer to hold says %q, want recvonly", ok.Body)
		}
		in.Expect(Request("INVITE"), time.Second)
		out.Resume()
		in.Expect(Request("INVITE"), time.Second)
		bob.On("REFER", func(_ *Call, m *Message) bool { bob.Reply(m, 202); return true })
		if res := out.Refer("sip:carol@10.0.0.3"); res.Status != 202 {
			t.Errorf("REFER got %d, want 202", res.Status)
		}
		in.Expect(Request("REFER"), time.Second)
		in.Send("NOTIFY", With("Event", "refer"), WithBody("message/sipfrag", "SIP/2.0 200 OK"))
		out.Expect(Request("NOTIFY"), time.Second)
		in.Expect(Response("NOTIFY", 200), time.Second)
	})
}

func TestDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := NewNetwork(1)
		registrar := NewUA(t, nw, bobAddr.String())
		phone := NewUA(t, nw, aliceAddr.String(), Account("1001", "demo-1001"))
		done := make(chan *Message)
		go func() { done <- phone.Register(bobAddr, time.Minute) }() // ends with the response
		first := registrar.ExpectRequest("REGISTER", time.Second)
		registrar.Reply(first, 401, With("WWW-Authenticate", `Digest realm="la2", nonce="n", qop="auth", algorithm=MD5`))
		second := registrar.ExpectRequest("REGISTER", time.Second)
		registrar.Reply(second, 200)
		if got := (<-done).Status; got != 200 {
			t.Errorf("REGISTER got %d, want 200", got)
		}
		if auth := second.Get("Authorization"); !strings.Contains(auth, `username="1001"`) {
			t.Errorf("Authorization is %q, want user 1001", auth)
		}
		n, _ := second.CSeq()
		if n != 2 || first.Get("Call-ID") != second.Get("Call-ID") {
			t.Errorf("second REGISTER has CSeq %d and Call-ID %q", n, second.Get("Call-ID"))
		}
	})
}

func TestAutoAnswerAndDTMF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, alice, bob := pair(t)
		bob.AutoAnswer(2*time.Second, Pattern(0x22))
		out := alice.Invite("sip:bob@10.0.0.2", bobAddr)
		out.Expect(Status(180), time.Second)
		out.Established(3 * time.Second)
		out.RTP.SendDTMF("5#")
		out.RTP.WaitPackets(5, time.Second)
		if out.RTP.Hears(0x22) < 5 {
			t.Error("the answering side is not heard")
		}
		bob.AutoReject(486, 0)
		busy := alice.Invite("sip:bob@10.0.0.2", bobAddr)
		busy.Expect(Status(486), time.Second)
	})
}

func TestManualLeavesAllToScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := NewNetwork(1)
		alice, bob := NewUA(t, nw, aliceAddr.String(), Manual()), NewUA(t, nw, bobAddr.String(), Manual())
		out := alice.Invite("sip:bob@10.0.0.2", bobAddr)
		in := bob.ExpectInvite(time.Second)
		in.Respond(486)
		out.Expect(Status(486), time.Second)
		out.ExpectNothing(40 * time.Second)
		out.Cancel()
		in.Expect(Request("CANCEL"), time.Second)
		in.ExpectNothing(time.Minute)
	})
}

func TestG711RoundTrip(t *testing.T) {
	for v := -32000; v <= 32000; v += 37 {
		for name, got := range map[string]float64{"alaw": unAlaw(alaw(v)), "ulaw": unUlaw(ulaw(v))} {
			if d := got - float64(v); d > 40+0.04*abs(v) || d < -40-0.04*abs(v) {
				t.Fatalf("%s of %d decodes to %.0f", name, v, got)
			}
		}
	}
}

func abs(v int) float64 { return float64(max(v, -v)) }

func TestTCP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := NewNetwork(1)
		alice, bob := NewTCPUA(t, nw, aliceAddr.String()), NewTCPUA(t, nw, bobAddr.String())
		out, in := established(t, alice, bob)
		if got := alice.pc.(*StreamSocket).Connections(); got != 1 {
			t.Errorf("alice has %d connections, want 1", got)
		}
		in.Hangup()
		out.Expect(Request("BYE"), time.Second)
		alice.pc.(*StreamSocket).Breaks()
		synctest.Wait()
		if got := bob.pc.(*StreamSocket).Connections(); got != 0 {
			t.Errorf("bob has %d connections after the break, want 0", got)
		}
	})
}
