package events

import (
	"errors"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/dialog"
	"github.com/lineaamica/la2/sip/transaction"
)

// A subscription is one watcher of one resource. Owned by Notifier.Run.
type subscription struct {
	key      subKey
	what     resourceKey
	watcher  string
	id       string // parameter of Event, "" for none
	pkg      Package
	dlg      *dialog.Dialog
	phase    phase
	expires  time.Time
	restedAt time.Time
	reason   string // of the last NOTIFY
	version  uint32
	since    any  // what was told; nil: tell all
	fetch    bool // Expires: 0: one NOTIFY only
	timer    *time.Timer
}

// subscribe answers a SUBSCRIBE that begins a subscription.
func (n *Notifier) subscribe(e subscribed) {
	req := e.tx.Request()
	event, id := eventOf(req)
	life, status := n.life(req)
	switch {
	case status != 0:
		n.brief(e.tx)
		return
	case len(n.subs) >= n.cfg.Max:
		e.tx.RespondOnce(sip.StatusServiceUnavailable, "", sip.NewHeader("Retry-After", "60"))
		return
	case n.each[e.watcher] >= n.cfg.MaxEach:
		e.tx.Respond(sip.StatusForbidden, "Too Many Subscriptions")
		return
	}
	key := subKey{dialog.IDOf(req).CallID, e.tx.Tag()}
	d, err := dialog.NewUAS(req, key.tag, n.cfg.Contact(e.tx.Flow()), e.tx.Flow())
	if err != nil {
		e.tx.RespondOnce(sip.StatusBadRequest, "")
		return
	}
	d.Confirm()
	s := &subscription{key: key, what: resourceKey{event, e.resource}, watcher: e.watcher, id: id, pkg: n.cfg.Packages[event], dlg: d, fetch: life == 0}
	s.timer = time.AfterFunc(time.Hour, func() { n.put(due{s}) }) // ends by itself; stopped when s is dropped
	n.enter(s)
	n.grant(s, e.tx, life)
}

// grant says yes and owes the first NOTIFY.
func (n *Notifier) grant(s *subscription, tx *transaction.Server, life time.Duration) {
	s.expires = time.Now().Add(life)
	res := tx.NewResponse(sip.StatusOK, "")
	res.AppendHeader(s.dlg.Contact())
	res.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(life/time.Second))))
	res.AppendHeader(sip.NewHeader("Allow-Events", n.allow))
	tx.Reply(res)
	s.since = nil
	if life == 0 {
		n.stop(s, "timeout")
		return
	}
	n.step(s, demand)
	n.arm(s)
}

// resubscribe answers a SUBSCRIBE inside a subscription: refresh, or with Expires: 0
// the end (RFC 6665 4.1.2.3).
func (n *Notifier) resubscribe(tx *transaction.Server) {
	req := tx.Request()
	s := n.subs[dialogOf(req)]
	if s == nil || s.phase == ending {
		tx.RespondOnce(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	if event, id := eventOf(req); event != s.what.event || id != s.id {
		tx.RespondOnce(sip.StatusCallTransactionDoesNotExists, "")
		return
	}
	if err := s.dlg.Receive(req); err != nil {
		status := sip.StatusCallTransactionDoesNotExists
		if errors.Is(err, dialog.ErrStale) {
			status = sip.StatusInternalServerError
		}
		tx.Respond(status, "")
		return
	}
	life, status := n.life(req)
	if status != 0 {
		n.brief(tx)
		return
	}
	s.dlg.Refresh(req.Contact())
	s.dlg.Move(tx.Flow())
	n.grant(s, tx, life)
}

// life is how long a subscription is to last; a status refuses it.
func (n *Notifier) life(req *sip.Request) (life time.Duration, status int) {
	h := req.GetHeader("Expires")
	if h == nil {
		return n.cfg.DefaultExpires, 0
	}
	seconds, err := strconv.ParseUint(h.Value(), 10, 32)
	if err != nil { // RFC 3261 20.19: malformed counts as the default
		return n.cfg.DefaultExpires, 0
	}
	life = min(time.Duration(seconds)*time.Second, n.cfg.MaxExpires)
	if life > 0 && life < n.cfg.MinExpires {
		return 0, statusTooBrief
	}
	return life, 0
}

// Statuses that sipgo has no name for.
const (
	statusTooBrief = 423
	statusBadEvent = 489
)

func (n *Notifier) brief(tx *transaction.Server) {
	tx.RespondOnce(statusTooBrief, "", sip.NewHeader("Min-Expires", strconv.Itoa(int(n.cfg.MinExpires/time.Second))))
}

// step moves s and does what follows.
func (n *Notifier) step(s *subscription, h happening) {
	next, d := s.phase.next(h)
	s.phase = next
	switch d {
	case notify:
		n.notify(s, "active;expires="+strconv.Itoa(max(0, int(time.Until(s.expires)/time.Second))))
	case notifyLast:
		n.notify(s, "terminated;reason="+s.reason)
	case rest:
		n.arm(s)
	case drop:
		n.leave(s)
	case nothing:
	}
}

// stop ends s with a last NOTIFY.
func (n *Notifier) stop(s *subscription, reason string) {
	s.reason = reason
	n.step(s, end)
}

// notify sends the state of the resource.
func (n *Notifier) notify(s *subscription, state string) {
	req := s.dlg.Request(sip.NOTIFY)
	event := s.what.event
	if s.id != "" {
		event += ";id=" + s.id
	}
	req.AppendHeader(sip.NewHeader("Event", event))
	req.AppendHeader(sip.NewHeader("Subscription-State", state))
	if n.cfg.UserAgent != "" {
		req.AppendHeader(sip.NewHeader("User-Agent", n.cfg.UserAgent))
	}
	var body []byte
	body, s.since = s.pkg.Body(s.what.resource, Notification{Version: s.version, Since: s.since})
	s.version++
	kind := sip.ContentTypeHeader(s.pkg.Accept)
	req.AppendHeader(&kind)
	req.SetBody(body)
	s.restedAt = time.Now().Add(n.cfg.Pace)
	n.cfg.Sender.Request(req, s.dlg.Flow(), func(ev transaction.ClientEvent) {
		if ev.Err == nil && ev.Response.StatusCode < 200 {
			return
		}
		n.put(told{s, ev.Err == nil && ev.Response.IsSuccess()})
	})
}

// due acts on the deadlines of s.
func (n *Notifier) due(s *subscription) {
	now := time.Now()
	if s.phase == gone {
		return
	}
	if !now.Before(s.expires) {
		n.stop(s, "timeout")
		return
	}
	if !now.Before(s.restedAt) {
		n.step(s, rested)
	}
	n.arm(s)
}

// arm sets the timer to the next deadline of s.
func (n *Notifier) arm(s *subscription) {
	if s.phase == gone || s.phase == ending {
		return
	}
	at := s.expires
	if (s.phase == resting || s.phase == restingOwing) && s.restedAt.Before(at) {
		at = s.restedAt
	}
	s.timer.Reset(time.Until(at))
}

func (n *Notifier) enter(s *subscription) {
	n.subs[s.key] = s
	if n.watching[s.what] == nil {
		n.watching[s.what] = make(map[*subscription]struct{})
	}
	n.watching[s.what][s] = struct{}{}
	n.each[s.watcher]++
	n.count(1)
}

func (n *Notifier) leave(s *subscription) {
	s.timer.Stop()
	s.dlg.Terminate()
	delete(n.subs, s.key)
	delete(n.watching[s.what], s)
	if len(n.watching[s.what]) == 0 {
		delete(n.watching, s.what)
	}
	if n.each[s.watcher]--; n.each[s.watcher] == 0 {
		delete(n.each, s.watcher)
	}
	n.count(-1)
}

func (n *Notifier) count(by int) {
	n.mu.Lock()
	n.total += by
	n.mu.Unlock()
}
