package b2bua

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// Ring sends a provisional response to the caller: 180 or 182. It does nothing
// once the call is answered. The error is the call's end or ctx's.
func (c *Call) Ring(ctx context.Context, status int) error {
	reply := make(chan error, 1)
	err, gone := ask(ctx, c, &cmdRing{status: status, reply: reply}, reply)
	if gone != nil {
		return gone
	}
	return err
}

func (c *Call) ring(status int) error {
	l := c.caller
	if c.cause != "" {
		return c.goneErr()
	}
	if status <= 100 || status > 199 {
		return cti.Fail(cti.CauseFailed, "provisional status out of range")
	}
	if l.state != legIncoming {
		return nil
	}
	res := l.tx.NewResponse(status, phrase(status))
	res.AppendHeader(l.dlg.Contact())
	l.tx.Reply(res)
	c.told, l.ringAt = status, time.Now().Add(repeatRinging)
	return nil
}

// repeatRinging is how often a provisional response is sent again, so that no
// proxy gives the INVITE up (RFC 3261 13.3.1.1).
const repeatRinging = time.Minute

// relayRinging tells the caller that a destination rings, once, when nothing else told
// it so. Early media of the destination is not passed on: 183 becomes 180.
func (c *Call) relayRinging() {
	if c.told == sip.StatusRinging || c.caller.state != legIncoming {
		return
	}
	if err := c.ring(sip.StatusRinging); err != nil {
		c.log().Debug("ringing not relayed", "error", err)
	}
}

func phrase(status int) string {
	switch status {
	case sip.StatusRinging:
		return "Ringing"
	case sip.StatusQueued:
		return "Queued"
	case sip.StatusSessionInProgress:
		return "Session Progress"
	}
	return ""
}
