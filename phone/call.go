package phone

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/media/sdp"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// A Call is one dialog with audio. Methods are safe for concurrent use.
type Call struct {
	p        *Phone
	Peer     string // number at the other end
	UUI      string // User-to-User of the INVITE that rang us
	Outgoing bool

	ended    chan struct{}
	answered chan struct{}

	// Owned by Phone.run.
	id       string // SIP Call-ID
	dlg      *dialog.Dialog
	server   *transaction.Server // the INVITE that rings us
	client   *transaction.Client // our INVITE
	invite   *sip.Request
	audio    *audio
	local    sdp.Local
	leaving  bool
	over     bool
	up       bool
	finished Event
}

// Ended is closed when the call is over.
func (c *Call) Ended() <-chan struct{} { return c.ended }

// Answered is closed when the call was answered.
func (c *Call) Answered() <-chan struct{} { return c.answered }

// Result is how the call ended; only after Ended.
func (c *Call) Result() Event { return c.finished }

// HeardWide is what was recorded so far of what came in G.722, 16-bit samples at 16
// kHz; nil without Config.Record.
func (c *Call) HeardWide() []int16 {
	if c.audio == nil {
		return nil
	}
	return c.audio.heardWide()
}

// Heard is what was recorded so far, 16-bit samples at 8 kHz; nil without Config.Record.
func (c *Call) Heard() []int16 {
	if c.audio == nil {
		return nil
	}
	return c.audio.heard()
}

// DTMF sends keys by RFC 4733.
func (c *Call) DTMF(keys string) {
	c.p.inbox.put(func() {
		if c.audio != nil {
			c.audio.keys(keys)
		}
	})
}

// Hangup ends the call in whatever state it is.
func (c *Call) Hangup() { c.p.inbox.put(c.hangup) }

func (c *Call) hangup() {
	switch {
	case c.over:
	case c.up:
		c.bye()
	case c.client != nil:
		c.leaving = true
		c.client.Cancel("")
	case c.server != nil:
		c.server.Respond(603, "Decline")
		c.finish(Event{Event: "ended", Text: "declined"})
	}
}

func (c *Call) bye() {
	c.p.try(c.dlg.Request(sip.BYE), func(transaction.ClientEvent) {})
	c.finish(Event{Event: "ended", Text: "we hung up"})
}

// finish is the one end of every call.
func (c *Call) finish(e Event) {
	if c.over {
		return
	}
	c.over = true
	e.Peer = c.Peer
	c.finished = e
	delete(c.p.calls, c.id)
	c.stopAudio()
	c.p.tell(e)
	close(c.ended)
}

func (c *Call) stopAudio() {
	if c.audio != nil {
		c.audio.close()
	}
}

func (c *Call) startAudio() error {
	a, err := newAudio(c.p, c)
	if err != nil {
		return err
	}
	c.audio = a
	c.local = sdp.Local{Codecs: c.p.cfg.Codecs, Addr: a.addr, ID: uint64(time.Now().UnixNano()) >> 10, Version: 1}
	return nil
}

// established is our side of a 2xx.
func (c *Call) established(n sdp.Negotiated) {
	c.audio.remote(n)
	if c.up {
		return
	}
	c.up = true
	close(c.answered)
	c.p.tell(Event{Event: "answered", Peer: c.Peer, Code: 200})
}

// Refer asks the server to transfer the other end to number (RFC 3515).
func (c *Call) Refer(ctx context.Context, number string) error {
	var err error
	if e := c.p.do(ctx, func() {
		if !c.up || c.over {
			err = errors.New("phone: no call to transfer")
			return
		}
		req := c.dlg.Request(sip.REFER)
		to := c.p.aor(number)
		req.AppendHeader(sip.NewHeader("Refer-To", "<"+to.String()+">"))
		self := c.p.aor(c.p.cfg.User)
		req.AppendHeader(sip.NewHeader("Referred-By", "<"+self.String()+">"))
		c.p.try(req, func(e transaction.ClientEvent) {
			if e.Err == nil {
				c.p.tell(Event{Event: "refer", Code: e.Response.StatusCode, Text: e.Response.Reason})
			}
		})
	}); e != nil {
		return e
	}
	return err
}

// Hold sends a re-INVITE with a=sendonly, or sendrecv to take the call back.
func (c *Call) Hold(on bool) {
	c.p.inbox.put(func() {
		if !c.up || c.over {
			return
		}
		c.local.Version++
		c.local.Direction = sdp.SendRecv
		if on {
			c.local.Direction = sdp.SendOnly
		}
		req := c.dlg.Request(sip.INVITE)
		req.SetBody(sdp.Offer(c.local))
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		c.p.send(req, func(e transaction.ClientEvent) { c.reinvited(req, e, on) })
	})
}

func (c *Call) reinvited(req *sip.Request, e transaction.ClientEvent, on bool) {
	if e.Err != nil || e.Response.StatusCode < 200 {
		return
	}
	if e.Response.StatusCode >= 300 {
		c.p.tell(Event{Event: "failed", Code: e.Response.StatusCode, Text: "hold"})
		return
	}
	_ = c.p.tx.SendAck(c.p.flow, c.dlg.Ack(req.CSeq().SeqNo))
	name := "retrieved"
	if on {
		name = "held"
	}
	c.p.tell(Event{Event: name, Peer: c.Peer})
}
