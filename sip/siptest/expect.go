package siptest

import (
	"fmt"
	"time"
)

// A Match says which message is expected.
type Match struct {
	name string
	fits func(*Message) bool
}

// Status matches a response to INVITE with that code.
func Status(code int) Match { return Response("INVITE", code) }

// Response matches a response to a method with that code.
func Response(method string, code int) Match {
	return Match{fmt.Sprintf("%d to %s", code, method), func(m *Message) bool {
		_, got := m.CSeq()
		return m.Status == code && got == method
	}}
}

// Final matches any final response to a method.
func Final(method string) Match {
	return Match{"final response to " + method, func(m *Message) bool {
		_, got := m.CSeq()
		return m.Status >= 200 && got == method
	}}
}

// Request matches a request.
func Request(method string) Match {
	return Match{method, func(m *Message) bool { return m.Method == method }}
}

// Where narrows a match.
func (w Match) Where(what string, fits func(*Message) bool) Match {
	return Match{w.name + " with " + what, func(m *Message) bool { return w.fits(m) && fits(m) }}
}

// Expect waits for the next message of the call, 100 Trying apart, and fails unless it matches.
func (c *Call) Expect(want Match, within time.Duration) *Message {
	c.UA.tb.Helper()
	return c.await(want, within, func(m *Message) bool { return m.Status == 100 })
}

// Wait waits for a message that matches and drops others before it.
func (c *Call) Wait(want Match, within time.Duration) *Message {
	c.UA.tb.Helper()
	return c.await(want, within, func(*Message) bool { return true })
}

func (c *Call) await(want Match, within time.Duration, skip func(*Message) bool) *Message {
	c.UA.tb.Helper()
	t := time.NewTimer(within)
	defer t.Stop()
	for {
		select {
		case m := <-c.in:
			c.note(m)
			if want.fits(m) {
				return m
			}
			if !skip(m) {
				c.UA.fatalf("got %v, want %s", m, want.name)
				return nil
			}
		case <-t.C:
			c.UA.fatalf("no %s within %v", want.name, within)
			return nil
		}
	}
}

// note takes what an early response tells.
func (c *Call) note(m *Message) {
	if _, method := m.CSeq(); m.Status > 100 && m.Status < 200 && method == "INVITE" {
		c.UA.mu.Lock()
		c.hear(m)
		c.UA.mu.Unlock()
	}
}

// ExpectNothing fails when a message of the call comes in that time, 100 Trying apart.
func (c *Call) ExpectNothing(within time.Duration) {
	c.UA.tb.Helper()
	t := time.NewTimer(within)
	defer t.Stop()
	for {
		select {
		case m := <-c.in:
			if m.Status != 100 {
				c.UA.fatalf("got %v, want nothing", m)
				return
			}
		case <-t.C:
			return
		}
	}
}

// ExpectAck waits for an ACK of the call.
func (c *Call) ExpectAck(within time.Duration) *Message {
	c.UA.tb.Helper()
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case m := <-c.acked:
		return m
	case <-t.C:
		c.UA.fatalf("no ACK within %v", within)
		return nil
	}
}

// Drain returns and forgets the messages that nobody expected so far.
func (c *Call) Drain() []*Message {
	var out []*Message
	for {
		select {
		case m := <-c.in:
			out = append(out, m)
		default:
			return out
		}
	}
}
