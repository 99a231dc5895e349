package trunk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

func TestEnrol(t *testing.T) {
	h := time.Hour
	ok := enrol{state: Registered, asked: h}
	for _, tt := range []struct {
		name string
		in   enrol
		a    RegAnswer
		n    int
		want enrol
		wait time.Duration
	}{
		{"registered", enrol{state: Registering, asked: h}, RegAnswer{Status: 200, Granted: h}, 1, ok, 48 * time.Minute},
		{"granted less", ok, RegAnswer{Status: 200, Granted: time.Minute}, 1, ok, 48 * time.Second},
		{"granted hardly anything", ok, RegAnswer{Status: 200, Granted: time.Second}, 1, ok, 800 * time.Millisecond},
		{"nothing said", ok, RegAnswer{Status: 200}, 1, ok, 48 * time.Minute},
		{"too brief", enrol{asked: h}, RegAnswer{Status: 423, Minimum: 2 * h}, 1, enrol{asked: 2 * h}, 0},
		{"too brief without a reason", enrol{asked: h}, RegAnswer{Status: 423, Minimum: h}, 1, enrol{state: Unregistered, asked: h, fails: 1}, 15 * time.Second},
		{"an absurd minimum", enrol{asked: h}, RegAnswer{Status: 423, Minimum: 1000 * h}, 1, enrol{state: Unregistered, asked: h, fails: 1}, 15 * time.Second},
		{"wrong password", ok, RegAnswer{Status: 401}, 2, enrol{state: Unregistered, asked: h}, 5 * time.Minute},
		{"forbidden", ok, RegAnswer{Status: 403}, 2, enrol{state: Unregistered, asked: h}, 5 * time.Minute},
		{"silent, another one", ok, RegAnswer{}, 2, enrol{state: Registered, asked: h, at: 1}, 0},
		{"503, another one", ok, RegAnswer{Status: 503, Retry: h}, 2, enrol{state: Registered, asked: h, at: 1}, 0},
		{"silent, the last one", enrol{state: Registered, asked: h, at: 1}, RegAnswer{}, 2, enrol{state: Unregistered, asked: h, fails: 1}, 15 * time.Second},
		{"503 with a time", ok, RegAnswer{Status: 503, Retry: 5 * time.Minute}, 1, enrol{state: Unregistered, asked: h, fails: 1}, 5 * time.Minute},
		{"unknown there", ok, RegAnswer{Status: 404}, 2, enrol{state: Unregistered, asked: h, fails: 1}, 15 * time.Second},
		{"again", enrol{asked: h, fails: 3}, RegAnswer{Status: 500}, 1, enrol{state: Unregistered, asked: h, fails: 4}, 2 * time.Minute},
		{"and again", enrol{asked: h, fails: 99}, RegAnswer{Status: 500}, 1, enrol{state: Unregistered, asked: h, fails: 100}, 15 * time.Minute},
		{"back on the second", enrol{state: Registered, asked: h, at: 1, fails: 4}, RegAnswer{Status: 200, Granted: h}, 2, enrol{state: Registered, asked: h, at: 1}, 48 * time.Minute},
	} {
		got, wait := tt.in.next(tt.a, tt.n, 0)
		if got != tt.want || wait != tt.wait {
			t.Errorf("%s: got %+v in %v, want %+v in %v", tt.name, got, wait, tt.want, tt.wait)
		}
	}
}

// Whatever comes, in every state: the registrar exists, nobody is flooded, and
// refused credentials rest.
func TestEnrol_exhaustive(t *testing.T) {
	for status := 0; status < 700; status++ {
		if status > 0 && status < 200 {
			continue
		}
		for _, s := range []RegState{Registering, Registered, Unregistered} {
			for at := range 2 {
				e := enrol{state: s, asked: time.Hour, at: at}
				got, wait := e.next(RegAnswer{Status: status, Granted: time.Hour}, 2, 0.5)
				if got.at < 0 || got.at > 1 || wait < 0 {
					t.Fatalf("%v %d: %+v, %v", s, status, got, wait)
				}
				if again := wait == 0; again && got.at == at {
					t.Errorf("%v %d at %d: at once to the same registrar", s, status, at)
				}
				if (status == 401 || status == 403 || status == 407) && wait < denied/2 {
					t.Errorf("%d: again in %v", status, wait)
				}
			}
		}
	}
}

// A registrarOf peers plays one carrier: it notes what comes and answers by turn.
type registrarOf struct {
	mu      sync.Mutex
	log     []string
	began   time.Time
	answers []func(*sip.Request) (*sip.Response, error)
}

func (r *registrarOf) exchange(_ context.Context, _ *Peer, to netip.AddrPort, build func(sip.Uri) *sip.Request) (*sip.Response, error) {
	req := build(sip.Uri{Scheme: "sip", User: "la2", Host: "192.0.2.9", Port: 5060})
	r.mu.Lock()
	defer r.mu.Unlock()
	expires := req.GetHeader("Expires").Value()
	r.log = append(r.log, fmt.Sprint(time.Since(r.began).Round(time.Second), " ", to.Addr(), " cseq ", req.CSeq().SeqNo, " expires ", expires))
	answer := r.answers[0]
	if len(r.answers) > 1 {
		r.answers = r.answers[1:]
	}
	return answer(req)
}

func says(status int, headers ...string) func(*sip.Request) (*sip.Response, error) {
	return func(req *sip.Request) (*sip.Response, error) {
		res := sip.NewResponseFromRequest(req, status, "", nil)
		for i := 0; i < len(headers); i += 2 {
			res.AppendHeader(sip.NewHeader(headers[i], headers[i+1]))
		}
		return res, nil
	}
}

func silent(*sip.Request) (*sip.Response, error) { return nil, errors.New("no answer") }

// 423, refresh at four fifths, the second registrar, and the binding taken back.
func TestRegister_RFC3261_10_2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := newTable(t, Peer{Name: "carrier", Address: addr("192.0.2.1:5060"), Account: &Account{User: "formez", Realm: "carrier"},
			Register: &Registration{Expires: time.Minute, Registrars: []netip.AddrPort{addr("192.0.2.1:5060"), addr("192.0.2.2:5060")}}},
			Peer{Name: "plain", Address: addr("192.0.2.3:5060")})
		tab.Heard("plain", 200, 0, time.Now())
		r := &registrarOf{began: time.Now(), answers: []func(*sip.Request) (*sip.Response, error){
			says(423, "Min-Expires", "600"),
			says(200, "Contact", "<sip:other@192.0.2.9:5060>;expires=7", "Contact", "<sip:formez@192.0.2.9:5060>;expires=500", "Expires", "9"),
			silent,
			says(200, "Expires", "600"),
			says(200),
		}}
		var changes []string
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { // ends with ctx
			tab.Register(ctx, r.exchange, func(name string, s RegState) { changes = append(changes, name+" "+s.String()) })
			close(done)
		}()
		time.Sleep(450 * time.Second)
		if s, _ := tab.Status("carrier"); s.Registration != Registered || s.Fault.What != "no answer to REGISTER" {
			t.Errorf("status %+v", s)
		}
		cancel()
		<-done
		want := []string{
			"0s 192.0.2.1 cseq 1 expires 60", "0s 192.0.2.1 cseq 2 expires 600", "6m40s 192.0.2.1 cseq 3 expires 600",
			"6m40s 192.0.2.2 cseq 5 expires 600", "7m30s 192.0.2.2 cseq 6 expires 0",
		}
		if !slices.Equal(r.log, want) {
			t.Errorf("got\n%s", strings.Join(r.log, "\n"))
		}
		if !slices.Equal(changes, []string{"carrier registered"}) {
			t.Errorf("changes %q", changes)
		}
	})
}

// A REGISTER names our account in From, To and Contact, and the registrar in its URI.
func TestRegister_message(t *testing.T) {
	p := &Peer{Account: &Account{User: "formez"}, Domain: "carrier.example"}
	r := &registering{p: p, callID: "c", tag: "t", seq: 7}
	req := r.request(addr("192.0.2.1:5060"), sip.Uri{Scheme: "sip", User: "formez", Host: "192.0.2.9", Port: 5060}, 90*time.Second)
	for _, want := range []string{"REGISTER sip:carrier.example SIP/2.0", "From: <sip:formez@carrier.example>;tag=t", "To: <sip:formez@carrier.example>\r\n",
		"CSeq: 7 REGISTER", "Contact: <sip:formez@192.0.2.9:5060>", "Expires: 90"} {
		if !strings.Contains(req.String(), want) {
			t.Errorf("%q is missing in\n%s", want, req)
		}
	}
	for to, want := range map[string]string{"192.0.2.1:5060": "192.0.2.1", "[2001:db8::1]:5060": "[2001:db8::1]", "[::ffff:192.0.2.1]:5060": "192.0.2.1"} {
		if got := (&Peer{}).home(addr(to)); got != want {
			t.Errorf("%s: got %s", to, got)
		}
	}
}
