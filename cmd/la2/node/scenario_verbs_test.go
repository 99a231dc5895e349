package node

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/sip/siptest"
)

// patience is how long a `<` step waits.
const patience = 5 * time.Second

// step does one line.
func (w *world) step(l scriptLine) {
	w.t.Helper()
	if l.words[0] == "expect" {
		w.expect(scriptLine{l.no, l.words[1:]})
		return
	}
	if l.words[0] == "network" {
		w.wire(l)
		return
	}
	a := w.actor(l.words[0])
	if n, chosen := l.option("call"); chosen { // call=2: of its calls, the second
		a.choose(l, n)
	}
	ok := false
	switch l.word(1) {
	case ">":
		ok = a.send(l)
	case "<":
		ok = a.await(l)
	case "#":
		ok = a.do(l)
	}
	if !ok {
		w.t.Fatalf("line %d: %s: not understood", l.no, l)
	}
}

// send is `actor > REQUEST` and `actor > STATUS`.
func (a *actor) send(l scriptLine) bool {
	what := l.word(2)
	if status, err := strconv.Atoi(what); err == nil {
		a.respond(l, status)
		return true
	}
	switch what {
	case "INVITE":
		a.invite(l)
	case "CANCEL":
		a.current().Cancel()
	case "BYE":
		a.current().Bye()
	case "REGISTER":
		life := time.Hour
		if l.word(3) == "expires=0" {
			life = 0
		}
		a.register(life)
	case "HOLD":
		a.current().Hold()
	case "RESUME":
		a.current().Resume()
	case "REFER":
		m := a.current().Refer(a.refersTo(l))
		if m == nil || m.Status != 202 {
			a.w.t.Errorf("line %d: %s: got %v", l.no, l, m)
		}
	default:
		return false
	}
	return true
}

// refersTo is the target of a REFER: a number, or with replaces=N the far end of the
// Nth call of a.
func (a *actor) refersTo(l scriptLine) string {
	other, attended := l.option("replaces")
	if !attended {
		return fmt.Sprintf("sip:%s@%s", l.word(3), a.home.addr())
	}
	a.mu.Lock()
	c := a.calls[number(other)-1]
	a.mu.Unlock()
	return c.Target() + "?Replaces=" + url.QueryEscape(c.Replaces())
}

func (a *actor) respond(l scriptLine, status int) {
	c := a.current()
	if tag, ok := l.option("tag"); ok { // another branch of a forking proxy answers, too
		c.Respond(status, func(m *siptest.Message) {
			to, _, _ := strings.Cut(m.Get("To"), ";tag=")
			m.Set("To", to+";tag="+tag)
		})
		return
	}
	if to, ok := l.option("contact"); ok { // a 3xx
		c.Respond(status, func(m *siptest.Message) { m.Set("Contact", fmt.Sprintf("<sip:%s@%s>", to, a.home.addr())) })
		return
	}
	c.Respond(status)
	if status == 200 && !l.has("silent") {
		a.speak(c)
	}
}

// await is `actor < REQUEST` and `actor < STATUS, STATUS…`.
func (a *actor) await(l scriptLine) bool {
	a.w.t.Helper()
	switch what := l.word(2); what {
	case "INVITE":
		select {
		case <-a.arrived:
		case <-time.After(patience):
			a.w.t.Fatalf("line %d: no INVITE for %s", l.no, a.name)
		}
		return true
	case "ACK":
		a.current().ExpectAck(patience)
		return true
	case "BYE", "CANCEL", "NOTIFY":
		a.current().Wait(siptest.Request(what), patience)
		return true
	}
	for _, w := range l.words[2:] {
		if w == "noack" || w == "offered" {
			continue
		}
		status, err := strconv.Atoi(strings.Trim(w, ","))
		if err != nil {
			return false
		}
		c := a.current()
		m := c.Wait(siptest.Status(status), patience)
		if status == 200 && !l.has("noack") {
			var answer []siptest.Field
			if l.has("offered") {
				answer = append(answer, siptest.WithSDP(c.SDP()))
			}
			c.Ack(m, answer...)
			a.speak(c)
		}
	}
	return true
}

// do is `actor # verb`: keys, desktop commands, misfortune.
func (a *actor) do(l scriptLine) bool {
	ctx := context.Background()
	switch l.word(2) {
	case "dtmf":
		keys := l.word(3)
		if code, ok := a.w.codes[keys]; ok {
			keys = code
		}
		go a.current().RTP.SendDTMF(keys) // ends with the last key
	case "leaves":
		a.leave()
	case "goes": // hangs up an answered call, if it goes on
		if c := a.current(); !c.Ended() {
			c.Bye()
		}
	case "refers": // as > REFER, without waiting
		a.current().Send("REFER", siptest.With("Refer-To", "<"+a.refersTo(l)+">"))
	case "auto": // auto 2s: answers by itself
		d, err := time.ParseDuration(l.word(3))
		if a.auto = d; err != nil {
			return false
		}
	case "ready":
		a.state(cti.AgentReady, "")
	case "not_ready":
		a.state(cti.AgentNotReady, "pausa")
	case "logs-out":
		if _, err := a.home.floor.LogOut(ctx, a.agent()); err != nil {
			a.w.t.Errorf("line %d: %v", l.no, err)
		}
	case "logs-in":
		a.logIn()
	case "dies":
		a.ua.Close()
	case "mute":
		a.current().RTP.Stop()
	case "speaks":
		a.speak(a.current())
	case "flooded":
		a.flood()
	case "deaf-to-cancel": // answers CANCEL, but goes on with its INVITE
		a.ua.On("CANCEL", func(_ *siptest.Call, m *siptest.Message) bool {
			a.ua.Reply(m, 200)
			return true
		})
	case "hold", "retrieve", "hangup", "transfer", "emergency", "consult", "complete", "swap":
		a.command(l)
	case "tracking": // tracking NAME: learns the code of its ticket
		a.tracking(l.word(3))
	default:
		return false
	}
	return true
}

// command gives a desktop's command about the agent's call; `fails` at the end of
// the line says that it must be refused.
func (a *actor) command(l scriptLine) {
	ctx := context.Background()
	c := calls{a.home.Node}
	call, leg := a.talk()
	var err error
	switch l.word(2) {
	case "hold":
		err = c.Hold(ctx, call, leg)
	case "retrieve":
		err = c.Retrieve(ctx, call, leg)
	case "hangup":
		err = c.Hangup(ctx, call, leg)
	case "emergency":
		err = c.Emergency(ctx, call, leg)
	case "complete":
		err = c.Complete(ctx, call, leg)
	case "swap":
		err = c.Swap(ctx, call, leg)
	case "transfer", "consult":
		to := server.Target{Number: l.word(3)}
		if site, ok := map[string]cti.SiteID{"napoli": "cmna", "brindisi": "c_b180", "hub": "formezpa"}[l.word(3)]; ok {
			to = server.Target{Office: site}
		}
		if l.word(2) == "consult" {
			err = c.Consult(ctx, call, leg, to)
		} else {
			err = c.Transfer(ctx, call, leg, to)
		}
	}
	if (err != nil) != l.has("fails") {
		a.w.t.Errorf("line %d: %s: got %v", l.no, l, err)
	}
}

func (a *actor) tracking(name string) {
	call, _ := a.talk()
	id := a.home.ticketOf(call)
	t, err := tickets{a.home.tickets}.Tracking(context.Background(), id)
	if err != nil {
		a.w.t.Fatalf("tracking code: %v", err)
	}
	a.w.codes[name] = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, t.Code)
}

// ticketOf is the latest ticket of a call in the stream.
func (o *site) ticketOf(call cti.CallID) (id cti.TicketID) {
	for _, ev := range o.events() {
		if ev.Call == call && ev.Ticket != "" {
			id = ev.Ticket
		}
	}
	return id
}

// wire is `network # …`: cut and heal the way between the hub and somebody, drop N
// METHOD to somebody.
func (w *world) wire(l scriptLine) {
	w.t.Helper()
	hub := netip.MustParseAddr(hubIP)
	switch l.word(2) {
	case "cut":
		w.cut = append(w.cut, w.ip(l.word(3)))
		w.net.Cut(hub, w.ip(l.word(3)))
	case "heal":
		w.net.Heal(hub, w.ip(l.word(3)))
	case "drop":
		n, err := strconv.Atoi(l.word(3))
		if err != nil {
			w.t.Fatalf("line %d: drop how many?", l.no)
		}
		to, method := w.ip(l.word(6)), []byte(l.word(4)+" ")
		w.net.Drop(n, func(p siptest.Packet) bool { return p.To.Addr() == to && bytes.HasPrefix(p.Bytes, method) })
	default:
		w.t.Fatalf("line %d: %s: not understood", l.no, l)
	}
}

func (w *world) ip(name string) netip.Addr {
	if o := w.nodes[name]; o != nil {
		return netip.MustParseAddr(o.ip)
	}
	return w.actor(name).ua.Addr().Addr()
}

// sorted are the actors by name.
func (w *world) sorted() []*actor {
	var out []*actor
	for _, a := range w.actors {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *actor) int { return strings.Compare(a.name, b.name) })
	return out
}
