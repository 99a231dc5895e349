package node

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/siptest"
)

// The octet that a spoofing third party fills its packets with.
const spoof = 0x33

// An actor is a user agent of a scenario. What its name begins with says what it is:
// caller (through the carrier's account), stranger (without account), a (a station
// of the hub), n (of Napoli), brindisi (the far end of a trunk), rescue (of a carrier's).
type actor struct {
	w     *world
	name  string
	user  string
	home  *site
	ua    *siptest.UA
	voice byte // fills the frames it sends

	mu      sync.Mutex // guards all below
	call    *siptest.Call
	calls   []*siptest.Call
	arrived chan *siptest.Call
	auto    time.Duration // answers by itself so long after the INVITE; below 0: not
}

// actor finds or makes one.
func (w *world) actor(name string) *actor { return w.newActor(name, false) }

func (w *world) newActor(name string, tcp bool) *actor {
	w.t.Helper()
	var opts []siptest.Option
	if a := w.actors[name]; a != nil {
		return a
	}
	a := &actor{w: w, name: name, home: w.nodes["hub"], arrived: make(chan *siptest.Call, 64), auto: -1,
		voice: byte(0x41 + len(w.actors))}
	n := number(name)
	ip := ""
	switch kind := strings.TrimRight(name, "0123456789"); kind {
	case "caller":
		ip, a.user = fmt.Sprint("10.0.1.", n), "cittadino"
		opts = append(opts, siptest.Account("cittadino", "demo-cittadino"))
	case "stranger":
		ip, a.user = fmt.Sprint("10.0.9.", n), "stranger"
	case "a", "n":
		ip, a.user = fmt.Sprint("10.0.4.", n), fmt.Sprint(1000+n)
		if kind == "n" {
			ip, a.user, a.home = fmt.Sprint("10.0.5.", n), fmt.Sprint(3000+n), w.nodes["napoli"]
		}
		opts = append(opts, siptest.Account(a.user, "demo-"+a.user))
	case "brindisi":
		ip, a.user = brindisiIP, "urp"
		opts = append(opts, siptest.Account("urp", ""))
	case "rescue":
		ip, a.user = rescueIP, "112"
	default:
		w.t.Fatalf("no such actor: %s", name)
	}
	if tcp {
		a.ua = siptest.NewTCPUA(w.t, w.net, ip+":5060", opts...)
	} else {
		a.ua = siptest.NewUA(w.t, w.net, ip+":5060", opts...)
	}
	a.ua.OnCall(a.incoming)
	w.actors[name] = a
	return a
}

// incoming runs on the reader of the user agent.
func (a *actor) incoming(c *siptest.Call) {
	a.mu.Lock()
	auto := a.auto
	a.call, a.calls = c, append(a.calls, c)
	a.mu.Unlock()
	if auto < 0 {
		a.arrived <- c
		return
	}
	c.Respond(180)
	time.AfterFunc(auto, func() { // ends by itself
		if !c.Ended() {
			c.Respond(200)
			a.speak(c)
		}
	})
}

func (a *actor) current() *siptest.Call {
	a.w.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.call == nil {
		a.w.t.Fatalf("%s has no call", a.name)
	}
	return a.call
}

// choose makes the nth call of a the one that the next lines are about.
func (a *actor) choose(l scriptLine, n string) {
	a.w.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	i := number(n)
	if i < 1 || i > len(a.calls) {
		a.w.t.Fatalf("line %d: %s has %d calls", l.no, a.name, len(a.calls))
	}
	a.call = a.calls[i-1]
}

func (a *actor) speak(c *siptest.Call) { c.RTP.Play(siptest.Pattern(a.voice)) }

// invite dials a number.
func (a *actor) invite(l scriptLine) {
	uri := fmt.Sprintf("sip:%s@%s", l.word(3), a.home.addr())
	var fields []siptest.Field
	if l.has("withheld") { // RFC 3323 4.1.1.3
		fields = append(fields, siptest.With("Privacy", "id"),
			siptest.WithFrom("Anonymous", "sip:anonymous@anonymous.invalid"))
	} else if strings.HasPrefix(a.name, "caller") {
		fields = append(fields, siptest.WithFrom("", fmt.Sprintf("sip:+39081555%04d@10.0.1.1", number(a.name))))
	}
	if whose, ok := l.option("replaces"); ok { // takes the place of another actor, as its telephone knows the call
		fields = append(fields, siptest.With("Replaces", a.w.actor(whose).current().Replaces()), siptest.With("Require", "replaces"))
	}
	if data, ok := l.option("uui"); ok { // of the caller itself (RFC 7433)
		fields = append(fields, siptest.With("User-to-User", data))
	}
	if l.has("late-offer") {
		fields = append(fields, siptest.WithoutSDP())
	}
	c := a.ua.Invite(uri, a.home.addr(), fields...)
	a.mu.Lock()
	a.call, a.calls = c, append(a.calls, c)
	a.mu.Unlock()
}

// leave goes away as a telephone does at any moment: CANCEL while it waits for the
// answer, and BYE if the answer was faster (RFC 3261 9.1, 15).
func (a *actor) leave() {
	c := a.current()
	c.Cancel()
	go func() { // ends with the final response
		if m := c.Wait(siptest.Final("INVITE"), 40*time.Second); m != nil && m.Status < 300 {
			c.Ack(m)
			c.Bye()
		}
	}()
}

// agent is the desktop user of an actor.
func (a *actor) agent() cti.AgentID { return cti.AgentID(a.user) }

func (a *actor) logIn() {
	a.w.t.Helper()
	if _, err := a.home.floor.LogIn(context.Background(), a.agent(), cti.DeviceID(a.user)); err != nil {
		a.w.t.Fatalf("%s: log in: %v", a.name, err)
	}
}

func (a *actor) state(s cti.AgentState, reason string) {
	a.w.t.Helper()
	if _, err := a.home.floor.SetState(context.Background(), a.agent(), s, reason); err != nil {
		a.w.t.Fatalf("%s: %s: %v", a.name, s, err)
	}
}

func (a *actor) register(life time.Duration) {
	a.w.t.Helper()
	if m := a.ua.Register(a.home.addr(), life); m.Status != 200 {
		a.w.t.Fatalf("%s: REGISTER: %v", a.name, m)
	}
}

// talk is the leg of the agent's latest conversation, as its desktop knows it.
func (a *actor) talk() (call cti.CallID, leg cti.LegID) {
	a.w.t.Helper()
	synctest.Wait()
	for _, ev := range a.home.events() {
		if ev.Type == cti.EvEstablished && (ev.Device == cti.DeviceID(a.user) || ev.Agent == a.agent()) {
			call, leg = ev.Call, ev.Leg
		}
	}
	if leg == "" {
		a.w.t.Fatalf("%s: has no conversation", a.name)
	}
	return call, leg
}

// flood sends spoofed RTP into the current call of a, from a third port of its own
// address and from a third party, until the call is over.
func (a *actor) flood() {
	c := a.current()
	to := c.RTP.Remote()
	own := netip.AddrPortFrom(a.ua.Addr().Addr(), 6666)
	third := netip.MustParseAddrPort("10.0.66.6:6666")
	packet := make([]byte, 172)
	packet[0], packet[1] = 0x80, 8
	copy(packet[8:], "SPOO")
	for i := 12; i < len(packet); i++ {
		packet[i] = spoof
	}
	seq := 0
	var tick func()
	tick = func() { // ends with the call
		if c.Ended() {
			return
		}
		seq++
		packet[2], packet[3] = byte(seq>>8), byte(seq)
		a.w.net.Inject(own, to, packet)
		a.w.net.Inject(third, to, packet)
		time.AfterFunc(10*time.Millisecond, tick)
	}
	tick()
}
