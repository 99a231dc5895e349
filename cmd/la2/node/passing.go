package node

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/numbering"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/proxy"
	"github.com/lineaamica/la2/sip/wire"
)

// passing are the calls that pass through the proxy and are nobody's script: it tells the stream
// what their records need, from the messages that go by. A call ends with the refusal of its
// INVITE, with a BYE that passes, or when nothing kept it alive: no refresh within its session
// interval (RFC 4028), or sip.max_duration without one. What a node that stops leaves open ends
// there; the calls themselves go on without it.
//
// A call of stations is told as it happens, because their agents are busy and their lamps lit from
// that moment on. Any other is one Passed when it is over, and waits up to gatherPassing for company:
// events one by one cost more than the calls themselves. A crash loses the records of those that run.
//
// Its methods but run and leave are called on the shards and wait for nothing.
type passing struct {
	events  b2bua.Events      // the stations, and the stream behind them
	all     func([]cti.Event) // the stream
	lines   func(b2bua.Line)  // the lamps of the stations
	longest time.Duration
	now     func() time.Time

	mu    sync.Mutex // guards calls and what they point to, and later
	calls map[passKey]*passage
	later []cti.Event // Passed, for the stream
}

const (
	// gatherPassing is how long events wait for others.
	gatherPassing = time.Second
	// sweepEvery is how often calls are looked for that nothing keeps alive.
	sweepEvery = 10 * time.Second
)

// A passKey names a dialog from its first INVITE on: Call-ID and the caller's tag.
type passKey struct{ callID, tag string }

// A passage is one such call.
type passage struct {
	call     cti.CallID
	device   cti.DeviceID // the station called, if it is one
	by       cti.DeviceID // the station that calls, then
	caller   cti.Party
	dialled  string
	rang     bool
	began    time.Time
	answered time.Time // zero: not yet
	trunk    string
	from     cti.SiteID
	interval time.Duration // for how long it lives without a refresh
	until    time.Time
}

func newPassing(events b2bua.Events, all func([]cti.Event), lines func(b2bua.Line), longest time.Duration, now func() time.Time) *passing {
	return &passing{events: events, all: all, lines: lines, longest: longest, now: now, calls: map[passKey]*passage{}}
}

// running is how many calls pass now.
func (p *passing) running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// begin notes the call of a new INVITE. What comes of it is to be told to the Seen, which is nil
// when the same INVITE passes for the second time.
func (p *passing) begin(m *wire.Message, in cti.Inbound, t route.Target) (cti.CallID, proxy.Seen) {
	key := passKey{string(m.CallID()), string(m.FromTag())}
	now := p.now()
	c := &passage{call: cti.NewCallID(now), device: t.Device, by: in.Device, caller: in.Caller, dialled: in.Dialled,
		trunk: in.Trunk, from: in.From, began: now, interval: p.longest, until: now.Add(p.longest)}
	p.mu.Lock()
	_, again := p.calls[key]
	if !again {
		p.calls[key] = c
	}
	p.mu.Unlock()
	if again {
		return "", nil
	}
	p.tell(c, cti.Event{Type: cti.EvOffered, Trunk: in.Trunk, Instant: now, Info: c.info()})
	p.light(c, b2bua.LineTrying)
	return c.call, func(status int, m *wire.Message) { p.seen(key, c, status, m) }
}

func (c *passage) info() *cti.CallInfo {
	return &cti.CallInfo{Caller: c.caller, Dialled: c.dialled, From: c.from}
}

// tell publishes an event of c, if it is a call of stations.
func (p *passing) tell(c *passage, ev cti.Event) {
	if c.device != "" {
		ev.Call, ev.At = c.call, p.now()
		p.events.Publish(ev)
	}
}

// passed leaves a call that is over for flush.
func (p *passing) passed(c *passage, cause cti.Cause) {
	ev := cti.Event{Type: cti.EvPassed, Call: c.call, Trunk: c.trunk, Cause: cause, Instant: c.began, At: p.now(), Info: c.info()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.answered.IsZero() {
		ev.Info.TalkMS = max(1, ev.At.Sub(c.answered).Milliseconds())
	}
	p.later = append(p.later, ev)
}

// light tells the lamps of both stations. Nobody can take such a call over by Replaces, so its
// dialogs have no names.
func (p *passing) light(c *passage, state b2bua.LineState) {
	if c.device == "" {
		return
	}
	p.lines(b2bua.Line{Device: c.device, ID: string(c.call) + "/2", State: state, Other: c.caller})
	if c.by != "" {
		p.lines(b2bua.Line{Device: c.by, ID: string(c.call) + "/1", Caller: true, State: state, Other: cti.Party{Number: c.dialled}})
	}
}

// flush publishes what waits.
func (p *passing) flush() {
	p.mu.Lock()
	list := p.later
	p.later = nil
	p.mu.Unlock()
	p.all(list)
}

// seen takes what the caller is told of its INVITE.
func (p *passing) seen(key passKey, c *passage, status int, m *wire.Message) {
	switch {
	case status >= 300:
		p.end(key, b2bua.CauseOf(status))
		return
	case status < 180:
		return
	}
	leg := cti.LegID(string(c.call) + "/2")
	switch {
	case !p.first(key, c, status, m):
	case status >= 200:
		p.tell(c, cti.Event{Type: cti.EvEstablished, Leg: leg, Device: c.device})
		p.light(c, b2bua.LineTalks)
	default:
		p.tell(c, cti.Event{Type: cti.EvDelivered, Leg: leg, Device: c.device})
		p.light(c, b2bua.LineRings)
	}
}

// first tells whether c rings or is answered for the first time; later 2xx are of other telephones,
// or repeated.
func (p *passing) first(key passKey, c *passage, status int, m *wire.Message) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.calls[key] != c || !c.answered.IsZero() || status < 200 && c.rang:
		return false
	case status < 200:
		c.rang = true
	default:
		c.answered = p.now()
		c.interval = intervalOf(m, p.longest)
		c.until = p.now().Add(c.interval)
	}
	return true
}

// follow takes a request that passed in a dialog: BYE ends its call, INVITE and UPDATE keep it.
func (p *passing) follow(m *wire.Message) {
	method := m.Method()
	if method != wire.Bye && method != wire.Invite && method != wire.Update {
		return
	}
	for _, tag := range [...][]byte{m.FromTag(), m.ToTag()} {
		key := passKey{string(m.CallID()), string(tag)}
		if method == wire.Bye {
			p.end(key, cti.CauseNormal)
			continue
		}
		p.mu.Lock()
		if c := p.calls[key]; c != nil {
			c.until = p.now().Add(c.interval)
		}
		p.mu.Unlock()
	}
}

// end ends a call, once.
func (p *passing) end(key passKey, cause cti.Cause) {
	p.mu.Lock()
	c := p.calls[key]
	delete(p.calls, key)
	p.mu.Unlock()
	switch {
	case c == nil:
	case c.device == "":
		p.passed(c, cause)
	default:
		p.tell(c, cti.Event{Type: cti.EvCallCleared, Cause: cause})
		p.light(c, b2bua.LineOver)
	}
}

// run publishes what waits and ends calls that nothing keeps alive, until ctx ends.
func (p *passing) run(ctx context.Context) error {
	tick, sweep := time.NewTicker(gatherPassing), time.NewTicker(sweepEvery)
	defer tick.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-tick.C:
			p.flush()
		case <-sweep.C:
			p.sweep(func(c *passage) bool { return p.now().After(c.until) }, cti.CauseMaxDuration)
		case <-ctx.Done():
			return nil
		}
	}
}

// leave ends the records of all calls: the node stops.
func (p *passing) leave() {
	p.sweep(func(*passage) bool { return true }, cti.CauseShutdown)
	p.flush()
}

func (p *passing) sweep(over func(*passage) bool, cause cti.Cause) {
	var keys []passKey
	p.mu.Lock()
	for k, c := range p.calls {
		if over(c) {
			keys = append(keys, k)
		}
	}
	p.mu.Unlock()
	for _, k := range keys {
		p.end(k, cause)
	}
}

// intervalOf reads the session interval of an answer (RFC 4028 4), with a little grace; longest
// when there is none.
func intervalOf(m *wire.Message, longest time.Duration) time.Duration {
	if m == nil {
		return longest
	}
	v := m.Header("Session-Expires")
	if v == nil {
		v = m.Header("x")
	}
	number, _, _ := bytes.Cut(v, []byte{';'})
	seconds, err := strconv.ParseUint(string(bytes.TrimSpace(number)), 10, 24)
	if err != nil || seconds == 0 {
		return longest
	}
	return min(longest, time.Duration(seconds)*time.Second+32*time.Second)
}

// strangerOf is the caller whom a request in bytes names: believed in nothing.
func strangerOf(m *wire.Message) cti.Party {
	req := sip.NewRequest(sip.INVITE, sip.Uri{})
	var from sip.FromHeader
	from.Params = sip.HeaderParams{}
	if name, err := sip.ParseAddressValue(string(m.Header("From")), &from.Address, &from.Params); err == nil {
		from.DisplayName = name
		req.AppendHeader(&from)
	}
	if v := m.Header("Privacy"); v != nil {
		req.AppendHeader(sip.NewHeader("Privacy", string(v)))
	}
	return party(req, false, numbering.Canonical)
}
