package b2bua

import (
	"context"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
)

// Talk blocks until leg has left the call or ctx ends. next is the leg that
// replaces it, "" if none; a leg that transferred the caller and hung up before
// the target answered is replaced by the leg that still rings. When such a target
// then fails, its Talk returns CauseTransferred without next: the caller hears
// music and needs somebody else.
func (c *Call) Talk(ctx context.Context, leg cti.LegID) (next cti.LegID, cause cti.Cause) {
	reply := make(chan talked, 1)
	r, gone := ask(ctx, c, &cmdTalk{leg: leg, reply: reply}, reply)
	if gone != nil {
		return "", causeIn(gone, cti.CauseFailed)
	}
	return r.next, r.cause
}

func (c *Call) onTalk(cmd *cmdTalk) {
	if c.cause != "" {
		cmd.reply <- talked{cause: c.cause}
		return
	}
	for _, e := range c.ended {
		if e.leg == cmd.leg {
			cmd.reply <- e.talked
			return
		}
	}
	if c.leg(cmd.leg) == nil {
		cmd.reply <- talked{cause: cti.CauseFailed}
		return
	}
	if cmd.leg == c.caller.id && c.peer != nil { // they changed seats
		cmd.leg = c.peer.id
	}
	c.talks = append(c.talks, cmd)
}

// A joint is how the packet path is set between caller and peer.
type joint struct {
	peer *leg
	how  joining
}

type joining uint8

const (
	apart       joining = iota // nobody there: music and prompts of the script
	waiting                    // nobody there yet: a transfer goes on
	together                   // both hear each other
	callerWaits                // the caller hears music
	peerWaits                  // the peer hears music
	bothWait                   // both hold: silence
	bothHear                   // a consultation rings: music for the caller, ringback for the peer
	aside                      // the peer talks with whom it consults, the caller hears music
	targetWaits                // caller and peer talk, whom it consults hears music
)

// wanted derives the joint from the state of the call.
func (c *Call) wanted() joint {
	p := c.peer
	switch {
	case p == nil && c.transfer != nil:
		return joint{nil, waiting}
	case p == nil && c.heard != nil && c.hears() && (c.heard.flowing || !c.heard.alerting):
		return joint{c.heard, together}
	case p == nil:
		return joint{nil, apart}
	case c.transfer != nil && c.transfer.from != nil:
		return c.transfer.joint()
	case c.transfer != nil:
		return joint{p, callerWaits}
	case p.onHold() && c.caller.agreed.Held:
		return joint{p, bothWait}
	case p.onHold():
		return joint{p, callerWaits}
	case c.caller.agreed.Held:
		return joint{p, peerWaits}
	}
	return joint{p, together}
}

// arrange tells the packet path what the state of the call means. It is the only
// place that joins and parts audio, and does nothing when nothing changed.
func (c *Call) arrange() {
	want := c.wanted()
	if c.cause != "" || want == c.joined {
		return
	}
	m, a := c.sw.deps.Media, c.caller.port
	was := c.joined
	c.joined = want
	if was.how == callerWaits && want.how == waiting {
		return // the transferor left: the music goes on
	}
	if want.how == together {
		if was.how == aside && was.peer != want.peer {
			m.Unbridge(was.peer.port)
		}
		if err := m.Bridge(a, want.peer.port); err != nil {
			c.log().Error("bridge failed", "error", err)
			c.clear(cti.CauseFailed)
		}
		return
	}
	m.Unbridge(a)
	if was.how == aside {
		m.Unbridge(was.peer.port)
	}
	switch want.how {
	case waiting:
		c.onHoldMusic(a)
	case callerWaits:
		m.Silence(want.peer.port)
		c.onHoldMusic(a)
	case peerWaits:
		m.Silence(a)
		c.onHoldMusic(want.peer.port)
	case bothWait:
		m.Silence(a)
		m.Silence(want.peer.port)
	case apart:
		m.Silence(a)
	case bothHear, aside, targetWaits:
		if err := c.arrangeConsult(c.transfer, want.how); err != nil {
			c.log().Error("bridge failed", "error", err)
			c.clear(cti.CauseFailed)
		}
	case together:
	}
}

// onHoldMusic plays what a held party hears.
func (c *Call) onHoldMusic(port relay.LegID) {
	if clip := c.sw.clip(c.sw.cfg.MusicOnHold); clip != nil {
		c.sw.deps.Media.Music(port, clip)
		return
	}
	c.sw.deps.Media.Silence(port)
}

// clip finds a prepared sound; nil when there is none.
func (s *Switch) clip(name string) *media.Clip {
	if s.deps.Clips == nil {
		return nil
	}
	clip, ok := s.deps.Clips(name)
	if !ok {
		return nil
	}
	return clip
}
