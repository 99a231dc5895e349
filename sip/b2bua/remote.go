package b2bua

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// Many desk telephones take two commands inside a dialog of theirs: NOTIFY with the
// event talk answers what rings or ends a hold, with hold it holds. They have no RFC;
// a telephone that knows them says so with Allow-Events in its 180 or 200. What the
// telephone then does (200, re-INVITE) comes as if its user had done it.
type control uint8

const (
	controlTalk control = 1 << iota
	controlHold
)

// controlOf reads Allow-Events.
func controlOf(m interface{ GetHeaders(string) []sip.Header }) (k control) {
	for _, h := range m.GetHeaders("Allow-Events") {
		for one := range strings.SplitSeq(h.Value(), ",") {
			switch strings.ToLower(strings.TrimSpace(one)) {
			case "talk":
				k |= controlTalk
			case "hold":
				k |= controlHold
			}
		}
	}
	return k
}

func (k control) String() string {
	return [...]string{"", "talk", "hold", "talk,hold"}[k&(controlTalk|controlHold)]
}

// Answer makes the telephone of device, which rings for call, answer. The error is
// CauseForbidden when it takes no such command, CauseNotFound when it does not ring.
func (s *Switch) Answer(ctx context.Context, call cti.CallID, device cti.DeviceID) error {
	reply := make(chan error, 1)
	return s.command(ctx, call, &cmdPhone{device: device, reply: reply}, reply)
}

// cmdPhone makes a telephone answer.
type cmdPhone struct {
	device cti.DeviceID
	reply  chan error
}

func (*cmdPhone) name() string { return "phone" }

func (c *Call) onPhone(cmd *cmdPhone) error {
	for _, l := range c.legs {
		if l.device != cmd.device || l.state != legRinging {
			continue
		}
		for _, f := range l.forks {
			if f.control&controlTalk != 0 {
				c.tellPhone(f.dlg, "talk", nil)
				return nil
			}
		}
		return cti.Fail(cti.CauseForbidden, "the telephone cannot be told to answer")
	}
	return cti.Fail(cti.CauseNotFound, "the telephone does not ring")
}

// tellPhone sends a command into the dialog d; on may be nil.
func (c *Call) tellPhone(d *dialog.Dialog, event string, on func(transaction.ClientEvent)) {
	req := d.Request(sip.NOTIFY)
	req.AppendHeader(sip.NewHeader("Event", event))
	req.AppendHeader(sip.NewHeader("Subscription-State", "active"))
	c.sw.deps.Transactions.Request(req, d.Flow(), on)
}

// holdByPhone lets the telephone of l hold; when it will not, we do.
func (c *Call) holdByPhone(l *leg) {
	l.asked = true
	c.tellPhone(l.dlg, "hold", func(ev transaction.ClientEvent) {
		if ev.Err != nil || ev.Response.StatusCode >= 300 {
			c.box.put(evPhoneWont{l})
		}
	})
	time.AfterFunc(phonePatience, func() { c.box.put(evPhoneWont{l}) }) // ends by itself
}

// phonePatience is how long a telephone may take to hold that said it would.
const phonePatience = 2 * time.Second

// evPhoneWont: the telephone refused to hold.
type evPhoneWont struct{ leg *leg }

func (evPhoneWont) name() string { return "phone_wont" }

func (c *Call) onPhoneWont(l *leg) {
	if !l.asked || l.onHold() {
		return
	}
	l.asked, l.control = false, 0
	_ = c.hold(l.id) // it may have left meanwhile
}

// controllable tells the stream which commands the telephone of l takes.
func (c *Call) controllable(l *leg, k control) {
	if l.device == "" || k == 0 || k == l.control {
		return
	}
	l.control = k
	c.publish(cti.Event{Type: cti.EvControllable, Leg: l.id, Device: l.device, Ticket: c.ticket, Value: k.String()})
}
