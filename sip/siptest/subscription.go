package siptest

import (
	"fmt"
	"net/netip"
	"time"
)

// A Subscription is a watcher of events (RFC 6665). Its NOTIFYs are answered and come by Expect.
type Subscription struct {
	UA *UA

	// Guarded by UA.mu.
	request   *Message // the SUBSCRIBE that was granted
	to        netip.AddrPort
	remoteTag string
	target    string
	cseq      int
	answer    int // status of NOTIFYs, 0 for no answer
	in        chan *Message
}

// Subscribe sends SUBSCRIBE for an event package and waits for its final response; a challenge
// is answered. The subscription is nil unless that is a 2xx.
func (u *UA) Subscribe(uri, event string, to netip.AddrPort, expires time.Duration, fields ...Field) (*Subscription, *Message) {
	u.tb.Helper()
	s := &Subscription{UA: u, to: to, answer: 200, in: make(chan *Message, queueSize)}
	base := []Field{
		With("Event", event), With("Expires", fmt.Sprint(int(expires.Seconds()))),
		func(m *Message) { // it is called before the request leaves, with u.mu held: a NOTIFY may be faster than the 200
			s.request, u.subs[m.Get("Call-ID")] = m, s
		},
	}
	res := u.Request("SUBSCRIBE", uri, to, append(base, fields...)...)
	if res.Status >= 300 {
		return nil, res
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	s.remoteTag, s.target = res.Tag("To"), uriOf(res.Get("Contact"))
	s.cseq, _ = res.CSeq()
	return s, res
}

// Refresh sends SUBSCRIBE inside the subscription and returns the final response; 0 ends it.
func (s *Subscription) Refresh(expires time.Duration, fields ...Field) *Message {
	s.UA.tb.Helper()
	s.UA.mu.Lock()
	s.cseq++
	first, cseq, target, to := s.request, s.cseq, s.target, s.remoteTag
	s.UA.mu.Unlock()
	base := []Field{
		With("From", first.Get("From")), With("To", withoutTag(first.Get("To"))+";tag="+to), With("Call-ID", first.Get("Call-ID")),
		With("CSeq", fmt.Sprint(cseq, " SUBSCRIBE")), With("Event", first.Get("Event")), With("Expires", fmt.Sprint(int(expires.Seconds()))),
	}
	return s.UA.Request("SUBSCRIBE", target, s.to, append(base, fields...)...)
}

// Answer sets the status with which NOTIFYs are answered from now on; 0 lets them go unanswered.
func (s *Subscription) Answer(status int) {
	s.UA.mu.Lock()
	defer s.UA.mu.Unlock()
	s.answer = status
}

// Expect waits for the next NOTIFY.
func (s *Subscription) Expect(within time.Duration) *Message {
	s.UA.tb.Helper()
	m := s.ExpectWithin(within)
	if m == nil {
		s.UA.fatalf("no NOTIFY within %v", within)
	}
	return m
}

// ExpectWithin is the next NOTIFY, nil when none comes within that time.
func (s *Subscription) ExpectWithin(within time.Duration) *Message {
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case m := <-s.in:
		return m
	case <-t.C:
		return nil
	}
}

// ExpectNothing fails when a NOTIFY comes within that time.
func (s *Subscription) ExpectNothing(within time.Duration) {
	s.UA.tb.Helper()
	if m := s.ExpectWithin(within); m != nil {
		s.UA.fatalf("unexpected NOTIFY\n%s", m.Bytes())
	}
}

// notified takes a NOTIFY of a subscription; false when m is none.
func (u *UA) notified(m *Message) bool {
	u.mu.Lock()
	s := u.subs[m.Get("Call-ID")]
	status := 0
	if s != nil {
		status = s.answer
	}
	u.mu.Unlock()
	if s == nil || m.Method != "NOTIFY" {
		return false
	}
	if status != 0 {
		u.Reply(m, status)
	}
	select {
	case s.in <- m:
	default:
	}
	return true
}
