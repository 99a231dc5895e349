package b2bua

import (
	"context"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
)

// Defaults of cti.PromptRequest.
const (
	firstKey   = 5 * time.Second
	betweenKey = 3 * time.Second
)

// prompting is the prompt under way.
type prompting struct {
	cmd     *cmdPrompt
	digits  []byte
	playing bool
	at      time.Time // when we stop waiting for a key
}

// Prompt plays p.Prompts in order and collects keys: RFC 4733 events, or INFO. A
// key stops the playing when keys are wanted. It returns the keys, without
// p.Until, when enough came, when the caller took too long, or when a bridge
// begins. A cancelled ctx stops the prompt and returns what was collected with the
// context's cause. The caller must have been answered.
func (c *Call) Prompt(ctx context.Context, p cti.PromptRequest) (digits string, err error) {
	clips := make([]*media.Clip, 0, len(p.Prompts))
	for _, name := range p.Prompts {
		clip := c.sw.clip(name)
		if clip == nil {
			return "", cti.Fail(cti.CauseFailed, "no prompt "+name)
		}
		clips = append(clips, clip)
	}
	cmd := &cmdPrompt{clips: clips, req: p, reply: make(chan keyed, 1)}
	if !c.box.put(cmd) {
		return "", c.goneErr()
	}
	select {
	case r := <-cmd.reply:
		return r.digits, r.err
	case <-c.done:
		return "", c.goneErr()
	case <-ctx.Done():
	}
	c.box.put(cmdStopPrompt{prompt: cmd})
	select {
	case r := <-cmd.reply:
		if r.err == nil {
			r.err = context.Cause(ctx)
		}
		return r.digits, r.err
	case <-c.done:
		return "", c.goneErr()
	}
}

func (c *Call) startPrompt(cmd *cmdPrompt) {
	switch {
	case c.cause != "":
		cmd.reply <- keyed{err: c.goneErr()}
		return
	case !c.caller.talking():
		cmd.reply <- keyed{err: cti.Fail(cti.CauseFailed, "prompt before answer")}
		return
	case c.peer != nil:
		cmd.reply <- keyed{}
		return
	}
	c.dropPrompt(nil)
	c.prompt = &prompting{cmd: cmd}
	if len(cmd.clips) == 0 {
		c.awaitKey(cmd.req.First, firstKey)
		return
	}
	c.token++
	c.prompt.playing = true
	c.sw.deps.Media.Play(c.caller.port, cmd.clips, relay.PlayOptions{Token: c.token, Resume: true})
}

func (c *Call) awaitKey(d, fallback time.Duration) {
	if c.prompt.cmd.req.Digits == 0 {
		c.endPrompt()
		return
	}
	if d == 0 {
		d = fallback
	}
	c.prompt.at = time.Now().Add(d)
}

// onMedia takes what the packet path tells.
func (c *Call) onMedia(ev relay.Event) {
	if c.cause != "" {
		return
	}
	switch ev.Kind {
	case relay.MediaTimeout:
		c.mediaTimeout(ev.Leg)
	case relay.OneWay:
		c.onOneWay(ev.Leg)
	case relay.PlayDone:
		if p := c.prompt; p != nil && p.playing && ev.Token == c.token {
			p.playing = false
			if c.stale {
				c.resume()
			}
			c.awaitKey(p.cmd.req.First, firstKey)
		}
	case relay.Digit:
		for _, l := range c.legs {
			if l.open && l.port == ev.Leg {
				c.rtpKey(l, ev.Digit)
				break
			}
		}
	case relay.FirstPacket:
		for _, l := range c.legs {
			if l.open && l.port == ev.Leg {
				c.flows(l)
			}
		}
	}
}

// mediaTimeout ends a leg that should send and does not: the caller's ends the
// call, an agent's gives the caller back to the script.
func (c *Call) mediaTimeout(port relay.LegID) {
	for _, l := range c.legs {
		if l.open && l.port == port && l.talking() {
			c.hangUp(l, cti.CauseMediaTimeout)
			return
		}
	}
}

// key takes one key of the caller.
func (c *Call) key(k byte) {
	p := c.prompt
	if p == nil || p.cmd.req.Digits == 0 {
		return
	}
	if p.playing {
		p.playing = false
		c.resume()
	}
	if k == p.cmd.req.Until && k != 0 {
		c.endPrompt()
		return
	}
	p.digits = append(p.digits, k)
	if len(p.digits) >= p.cmd.req.Digits {
		c.endPrompt()
		return
	}
	c.awaitKey(p.cmd.req.Between, betweenKey)
}

// endPrompt gives the keys to who asked.
func (c *Call) endPrompt() {
	p := c.prompt
	c.prompt = nil
	p.cmd.reply <- keyed{digits: string(p.digits)}
}

// dropPrompt ends the prompt because something else happens.
func (c *Call) dropPrompt(err error) {
	p := c.prompt
	if p == nil {
		return
	}
	c.prompt = nil
	p.cmd.reply <- keyed{digits: string(p.digits), err: err}
}

// stopPrompt is the script's own wish.
func (c *Call) stopPrompt(cmd *cmdPrompt) {
	p := c.prompt
	if p == nil || p.cmd != cmd {
		return
	}
	if p.playing {
		c.resume()
	}
	c.dropPrompt(nil)
}
