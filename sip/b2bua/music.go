package b2bua

import (
	"context"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
)

// Music loops the named clip to the caller until the bridge; a Prompt is played
// over it and the music goes on afterwards. "" is silence. Before the answer it
// is only noted.
func (c *Call) Music(name string) error {
	var clip *media.Clip
	if name != "" {
		if clip = c.sw.clip(name); clip == nil {
			return cti.Fail(cti.CauseFailed, "no music "+name)
		}
	}
	reply := make(chan error, 1)
	err, gone := ask(context.Background(), c, &cmdMusic{clip: clip, reply: reply}, reply)
	if gone != nil {
		return gone
	}
	return err
}

func (c *Call) playMusic(clip *media.Clip) error {
	if c.cause != "" {
		return c.goneErr()
	}
	c.music = clip
	c.sounds()
	return nil
}

// sounds makes the caller hear what it should while nobody talks to it. What comes
// under a prompt is remembered.
func (c *Call) sounds() {
	switch {
	case c.cause != "" || !c.hears() || c.peer != nil || c.transfer != nil || c.joined.how == together:
	case c.prompt != nil && c.prompt.playing:
		c.stale = true // the packet path would go back to the old one
	default:
		c.resume()
	}
}

// resume goes back to the music of the script, to ringback or to silence.
func (c *Call) resume() {
	c.stale = false
	if c.music != nil {
		c.sw.deps.Media.Music(c.caller.port, c.music)
		return
	}
	if clip := c.ringback(); clip != nil {
		c.sw.deps.Media.Music(c.caller.port, clip)
		return
	}
	c.sw.deps.Media.Silence(c.caller.port)
}
