package node

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/acd/route"
	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
	"github.com/lineaamica/la2/sip/b2bua"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

// A ledger is the stream of a passing under test.
type ledger struct {
	mu    sync.Mutex
	evs   []cti.Event
	lamps []string // "b talks"
}

func (l *ledger) line(b b2bua.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lamps = append(l.lamps, fmt.Sprint(b.Device, " ", [...]string{"tries", "rings", "talks", "over"}[b.State]))
}

func (l *ledger) Publish(ev cti.Event) cti.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.evs = append(l.evs, ev)
	return cti.Position{}
}

func (l *ledger) all(evs []cti.Event) {
	for _, ev := range evs {
		l.Publish(ev)
	}
}

func (l *ledger) Commit(context.Context, ...cti.Event) error { return nil }

// story is the events so far, "Offered, CallCleared busy".
func (l *ledger) story() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, ev := range l.evs {
		out = append(out, strings.TrimSpace(string(ev.Type)+" "+string(ev.Cause)))
	}
	return strings.Join(out, ", ")
}

func wired(t *testing.T, text string) *wire.Message {
	t.Helper()
	m := new(wire.Message)
	if err := m.Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// head writes a request or response of the dialog under test.
func head(start string, cseq string, extra ...string) string {
	from, to := "From: <sip:a@h>;tag=1", "To: <sip:b@h>;tag=2"
	if strings.HasPrefix(cseq, "back ") {
		from, to, cseq = "From: <sip:b@h>;tag=2", "To: <sip:a@h>;tag=1", cseq[5:]
	}
	lines := append([]string{start, "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1", from, to, "Call-ID: c", "CSeq: 1 " + cseq, "Max-Forwards: 70", "Content-Length: 0"}, extra...)
	return strings.Join(lines, "\n")
}

// A call that passes has one Offered and one CallCleared, whatever becomes of it.
func TestPassing(t *testing.T) {
	const request = "%s sip:b@10.0.0.3 SIP/2.0"
	ok := func(extra ...string) string { return head("SIP/2.0 200 OK", "INVITE", extra...) }
	for _, tt := range []struct {
		name  string
		steps string // each a status, "BYE" of the caller, "back BYE" of the callee, "wait D", "again", "leave"
		want  string
	}{
		{"answered", "180 183 180 200 200 BYE back BYE", "Offered, Delivered, Established, CallCleared normal"},
		{"the callee hangs up", "200 back BYE", "Offered, Established, CallCleared normal"},
		{"busy", "180 486 200", "Offered, Delivered, CallCleared busy"},
		{"cancelled", "180 487", "Offered, Delivered, CallCleared abandoned"},
		{"spiral", "again 200 BYE", "Offered, Established, CallCleared normal"},
		{"no BYE, no session timer", "200 wait 4h1m BYE", "Offered, Established, CallCleared max_duration"},
		{"no BYE, session timer", "expires wait 3m BYE", "Offered, Established, CallCleared max_duration"},
		{"refreshed", "expires wait 80s UPDATE wait 80s back INVITE wait 80s BYE", "Offered, Established, CallCleared normal"},
		{"the node stops", "200 leave BYE", "Offered, Established, CallCleared shutdown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				p := newPassing(l, l.all, l.line, 4*time.Hour, time.Now)
				ctx, cancel := context.WithCancel(t.Context())
				go func() { _ = p.run(ctx) }() // ends with cancel
				invite := wired(t, strings.Replace(head(fmt.Sprintf(request, "INVITE"), "INVITE"), ";tag=2", "", 1))
				_, seen := p.begin(invite, cti.Inbound{Device: "a", Dialled: "b"}, route.Target{Device: "b"})
				words := strings.Fields(tt.steps)
				for i := 0; i < len(words); i++ {
					switch w := words[i]; w {
					case "BYE", "UPDATE":
						p.follow(wired(t, head(fmt.Sprintf(request, w), w)))
					case "back":
						i++
						p.follow(wired(t, head(fmt.Sprintf(request, words[i]), "back "+words[i])))
					case "wait":
						i++
						d, err := time.ParseDuration(words[i])
						if err != nil {
							t.Fatal(err)
						}
						time.Sleep(d)
						synctest.Wait()
					case "again":
						if _, other := p.begin(invite, cti.Inbound{}, route.Target{}); other != nil {
							t.Error("one INVITE is two calls")
						}
					case "leave":
						p.leave()
					case "expires":
						seen(200, wired(t, ok("Session-Expires: 90;refresher=uac")))
					case "200":
						seen(200, wired(t, ok()))
					default:
						status := 0
						if _, err := fmt.Sscan(w, &status); err != nil {
							t.Fatal(err)
						}
						seen(status, nil)
					}
				}
				if got := l.story(); got != tt.want || p.running() != 0 {
					t.Errorf("got %s; %d running; want %s", got, p.running(), tt.want)
				}
				if n := len(l.lamps); n == 0 || l.lamps[n-1] != "a over" || l.lamps[n-2] != "b over" || n != 2*len(l.evs) {
					t.Errorf("lamps %q", l.lamps)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// directWorld is a hub whose calls between telephones pass through, and three telephones without
// desktops of which two share a number.
func directWorld(t *testing.T, f func(w *world, o *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		o := &site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub")}
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		cfg.SIP.DirectCalls = "proxy"
		cfg.SIP.NameServers = []string{"10.0.0.53"}
		w.dns = siptest.NewDNS(t, "_sip._udp.far.example.it. IN SRV 0 0 5090 one.example.it.\n_sip._udp.far.example.it. IN SRV 1 0 5090 two.example.it.\n"+
			"one.example.it. IN A 10.0.6.1\ntwo.example.it. IN A 10.0.6.2\n")
		for _, user := range []string{"8001", "8002"} {
			cfg.Accounts = append(cfg.Accounts, configs.Account{User: user, Password: configs.Secret("pw-" + user), Kind: "station"})
		}
		cfg.Routes = append(cfg.Routes, configs.Route{User: "far", Contact: "sip:far@far.example.it", Mode: "proxy", Open: true})
		w.run(o, cfg)
		w.again = func() { // the same node in the next process
			o.stop()
			o = w.run(&site{w: w, name: "hub", ip: hubIP, data: o.data}, cfg)
		}
		f(w, o)
		time.Sleep(settle)
		o.stop()
		time.Sleep(time.Minute) // the last transactions of the telephones
	})
}

func (w *world) station(user, addr string, f ...siptest.Field) *siptest.UA {
	w.t.Helper()
	u := siptest.NewUA(w.t, w.net, addr, siptest.Account(user, "pw-"+user))
	if res := u.Register(w.nodes["hub"].addr(), time.Hour, f...); res.Status != 200 {
		w.t.Fatalf("REGISTER of %s: %v", user, res)
	}
	return u
}

// A direct call rings all telephones of the number; its audio does not pass here, its record does.
func TestDirectCall(t *testing.T) {
	directWorld(t, func(w *world, o *site) {
		alice, one, two := w.station("8001", "10.0.7.1:5060"), w.station("8002", "10.0.7.2:5060"), w.station("8002", "10.0.7.3:5060")
		out := alice.Invite("sip:8002@"+hubIP, o.addr(), siptest.WithFrom("", "sip:8001@"+hubIP))
		first, second := one.ExpectInvite(time.Second), two.ExpectInvite(time.Second)
		if got, want := string(first.Invite.Body), string(out.Invite.Body); got != want {
			t.Errorf("the offer changed:\n%s\nwant\n%s", got, want)
		}
		for _, name := range []string{"Authorization", "Proxy-Authorization"} {
			if first.Invite.Get(name) != "" {
				t.Errorf("%s went to a telephone", name)
			}
		}
		first.Respond(180)
		second.Respond(200)
		out.Established(time.Second)
		first.Wait(siptest.Request("CANCEL"), time.Second)
		time.Sleep(time.Minute)
		second.Hangup()
		out.Wait(siptest.Request("BYE"), time.Second)
		time.Sleep(3 * time.Second)
		list := o.records()
		if len(list) != 1 || list[0].Caller != "8001" || list[0].Dialled != "8002" || list[0].Established.IsZero() || list[0].Cause != cti.CauseNormal {
			t.Fatalf("records %+v", list)
		}
		if talk := list[0].Cleared.Sub(list[0].Established); talk.Round(time.Second) != time.Minute {
			t.Errorf("talked for %v", talk)
		}
		if !hasRing(list[0]) {
			t.Errorf("no ringing in %+v", list[0].Segments)
		}
	})
}

func hasRing(r cdr.Record) bool {
	for _, s := range r.Segments {
		if s.Kind == cdr.KindRing {
			return true
		}
	}
	return false
}

// An INVITE with Replaces for a dialog that passed through passes, too: an attended
// transfer between telephones is theirs. One for no dialog of ours and no telephone
// is 481 (RFC 3891 3).
func TestDirectReplaces(t *testing.T) {
	directWorld(t, func(w *world, o *site) {
		alice, bob := w.station("8001", "10.0.7.1:5060"), w.station("8002", "10.0.7.2:5060")
		names := siptest.With("Replaces", "elsewhere;to-tag=a;from-tag=b")
		out := alice.Invite("sip:8002@"+hubIP, o.addr(), siptest.WithFrom("", "sip:8001@"+hubIP), names)
		in := bob.ExpectInvite(5 * time.Second)
		if in.Invite.Get("Replaces") != "elsewhere;to-tag=a;from-tag=b" || in.Invite.Get("Call-ID") != out.Invite.Get("Call-ID") {
			t.Errorf("came as\n%s", in.Invite.Bytes())
		}
		in.Respond(481)
		out.Wait(siptest.Status(481), 5*time.Second)
		out = alice.Invite("sip:803001@"+hubIP, o.addr(), siptest.WithFrom("", "sip:8001@"+hubIP), names)
		out.Wait(siptest.Status(481), 5*time.Second)
		out = alice.Invite("sip:8002@"+hubIP, o.addr(), siptest.WithFrom("", "sip:8001@"+hubIP), siptest.With("Replaces", "half"))
		out.Wait(siptest.Status(400), 5*time.Second)
	})
}

// Who asserts another identity, hides his own, or works with a desktop, is bridged.
func TestDirectCallBridged(t *testing.T) {
	for name, f := range map[string]siptest.Field{
		"somebody else's From": siptest.WithFrom("Il Presidente", "sip:112@"+hubIP),
		"asserted identity":    siptest.With("P-Asserted-Identity", "<sip:112@"+hubIP+">"),
		"privacy":              siptest.With("Privacy", "id"),
		"ticket":               siptest.With("User-to-User", "00;encoding=hex"),
	} {
		t.Run(name, func(t *testing.T) {
			directWorld(t, func(w *world, o *site) {
				alice, bob := w.station("8001", "10.0.7.1:5060"), w.station("8002", "10.0.7.2:5060")
				out := alice.Invite("sip:8002@"+hubIP, o.addr(), siptest.WithFrom("", "sip:8001@"+hubIP), f)
				in := bob.ExpectInvite(5 * time.Second)
				if in.Invite.Get("Call-ID") == out.Invite.Get("Call-ID") || strings.Contains(in.Invite.Get("From"), "112") {
					t.Errorf("passed through as\n%s", in.Invite.Bytes())
				}
				in.Respond(486)
				out.Wait(siptest.Final("INVITE"), 5*time.Second)
			})
		})
	}
}

// A contact by name: the second server of the domain has the call when the first is dead.
func TestProxyByName_RFC3263_4_3(t *testing.T) {
	directWorld(t, func(w *world, o *site) {
		far := siptest.NewUA(w.t, w.net, "10.0.6.2:5090")
		caller := siptest.NewUA(w.t, w.net, "10.0.9.9:5060")
		start := time.Now()
		out := caller.Invite("sip:far@"+hubIP, o.addr())
		in := far.ExpectInvite(5 * time.Second)
		if d := time.Since(start); d > 4*time.Second {
			t.Errorf("the second server got the call after %v", d)
		}
		in.Respond(200)
		out.Established(time.Second)
		out.Hangup()
		in.Wait(siptest.Request("BYE"), time.Second)
		time.Sleep(3 * time.Second)
		if list := o.records(); len(list) != 1 || list[0].Cause != cti.CauseNormal || list[0].Dialled != "far" {
			t.Errorf("records %+v", list)
		}
	})
}

// A caller who leaves during the look-up, and a domain without servers.
func TestProxyByNameFails(t *testing.T) {
	directWorld(t, func(w *world, o *site) {
		w.dns.Load("x.example.it. IN A 10.0.6.1\n")
		caller := siptest.NewUA(w.t, w.net, "10.0.9.9:5060")
		out := caller.Invite("sip:far@"+hubIP, o.addr())
		if got := out.Wait(siptest.Final("INVITE"), 4*time.Second); got.Status != 480 {
			t.Errorf("got %v", got)
		}
		time.Sleep(3 * time.Second)
		if list := o.records(); len(list) != 1 || list[0].Cause != cti.CauseUnreachable {
			t.Errorf("records %+v", list)
		}
	})
}

// A call goes on through the next process: the secret of its route is kept, and so are the
// registrations. Its record ended with the first.
func TestDirectCallOutlivesTheNode(t *testing.T) {
	directWorld(t, func(w *world, o *site) {
		alice, bob := w.station("8001", "10.0.7.1:5060"), w.station("8002", "10.0.7.2:5060")
		out := alice.Invite("sip:8002@"+hubIP, o.addr(), siptest.WithFrom("", "sip:8001@"+hubIP))
		in := bob.ExpectInvite(time.Second)
		in.Respond(200)
		out.Established(time.Second)
		in.ExpectAck(time.Second)
		w.again()
		in.Hangup()
		out.Wait(siptest.Request("BYE"), time.Second)
		list := w.nodes["hub"].records()
		if len(list) != 1 || list[0].Cause != cti.CauseShutdown {
			t.Errorf("records %+v", list)
		}
	})
}

// A call of no station is one event when it is over.
func TestPassedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		p := newPassing(l, l.all, l.line, 4*time.Hour, time.Now)
		invite := wired(t, strings.Replace(head("INVITE sip:b@10.0.0.3 SIP/2.0", "INVITE"), ";tag=2", "", 1))
		_, seen := p.begin(invite, cti.Inbound{Dialled: "b", Trunk: "tim"}, route.Target{Contact: "sip:b@10.0.0.3"})
		began := time.Now()
		seen(180, nil)
		time.Sleep(2 * time.Second)
		seen(200, wired(t, head("SIP/2.0 200 OK", "INVITE")))
		time.Sleep(5 * time.Second)
		p.follow(wired(t, head("BYE sip:a@10.0.0.2 SIP/2.0", "back BYE")))
		if l.story() != "" {
			t.Errorf("told at once: %s", l.story())
		}
		p.flush()
		if len(l.evs) != 1 || len(l.lamps) != 0 {
			t.Fatalf("%s; lamps %q", l.story(), l.lamps)
		}
		ev := l.evs[0]
		if ev.Type != cti.EvPassed || !ev.Instant.Equal(began) || ev.At.Sub(began) != 7*time.Second || ev.Info.TalkMS != 5000 ||
			ev.Cause != cti.CauseNormal || ev.Trunk != "tim" || ev.Info.Dialled != "b" {
			t.Errorf("%+v", ev)
		}
	})
}
