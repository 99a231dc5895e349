package b2bua

import (
	"fmt"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// play lets a phone behave: it answers every request, acknowledges every 2xx.
func (p *phone) play() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		for {
			select {
			case m := <-p.in:
				p.behave(m)
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (p *phone) behave(m sip.Message) {
	req, ok := m.(*sip.Request)
	if !ok {
		return
	}
	switch req.Method {
	case sip.ACK:
	case sip.INVITE:
		p.reply(req, 200, p.sdp("sendrecv"))
	case sip.CANCEL:
		p.reply(req, 200, "")
	default:
		p.reply(req, 200, "")
	}
}

// Whoever leaves at whatever millisecond around the REFER of an attended transfer,
// every leg ends and nothing is left (the invariant of scenario); ports are on one
// shard or on two.
func TestAttended_everyMillisecond(t *testing.T) {
	for _, who := range []string{"caller", "agent", "second", "colleague"} {
		for ms := range 8 {
			t.Run(fmt.Sprintf("%s leaves at %d ms", who, ms), func(t *testing.T) {
				scenario(t, both, func(w *world) {
					w.media.apart = ms%2 == 0
					caller, agent, second, colleague := consulting(w)
					defer caller.play()()
					defer agent.play()() // the second call's socket, too
					defer colleague.play()()
					leaves := map[string]*phone{"caller": caller, "agent": agent, "second": second, "colleague": colleague}[who]
					refer := func() { agent.request("REFER", "", second.refersTo()) }
					leave := func() { leaves.request("BYE", "") }
					if ms < 3 {
						leave()
						time.Sleep(time.Duration(3-ms) * time.Millisecond)
						refer()
					} else {
						refer()
						time.Sleep(time.Duration(ms-3)*time.Millisecond + 500*time.Microsecond)
						leave()
					}
					time.Sleep(20 * time.Second)
					for _, p := range []*phone{caller, agent, second, colleague} { // whoever is still there goes now
						p.request("BYE", "")
					}
					time.Sleep(time.Second)
				})
			})
		}
	}
}

// Both telephones of a transferor refer to each other at once: neither call waits for
// the other for ever.
func TestAttended_crossed(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent, second, colleague := consulting(w)
		defer caller.play()()
		defer agent.play()()
		defer colleague.play()()
		agent.request("REFER", "", second.refersTo())
		second.request("REFER", "", agent.refersTo())
		time.Sleep(20 * time.Second)
		for _, p := range []*phone{caller, agent, second, colleague} {
			p.request("BYE", "")
		}
		time.Sleep(time.Second)
	})
}

// The office hangs the consultation up while it is asked to replace it, and then
// refuses: the transferor keeps the citizen, and its leg of the consultation goes.
func TestAttended_officeLeaves(t *testing.T) {
	scenario(t, both, func(w *world) {
		caller, agent := talking(w)
		office := w.phone("1007")
		second := agent.second("b")
		second.dialStation("91007")
		m := office.expect("INVITE").(*sip.Request)
		office.reply(m, 200, office.sdp("sendrecv"), "Supported: replaces")
		office.expect("ACK")
		second.expect("200")
		second.ack("")
		agent.auto200 = true
		agent.request("REFER", "", second.refersTo())
		agent.expect("202")
		agent.expect("NOTIFY")
		m = office.expect("INVITE").(*sip.Request)
		office.cseq = 30
		office.request("BYE", "")
		office.expect("200")
		office.replyTag(m, 481, "no", "")
		office.expect("ACK")
		agent.expectOneOf("NOTIFY", "BYE") // the outcome, and the end of the second call
		agent.expectOneOf("NOTIFY", "BYE")
		if got := w.media.doing(1); got != "bridge:2" {
			t.Errorf("caller: %s", got)
		}
		caller.request("BYE", "")
		caller.expect("200")
		agent.expect("BYE")
	})
}
