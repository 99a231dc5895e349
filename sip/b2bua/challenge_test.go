package b2bua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

const challenge = `Digest realm="carrier", nonce="n1", qop="auth", algorithm=MD5`

// account answers every challenge that names the realm of the carrier.
func account(refused *sip.Request, res *sip.Response) (sip.Header, bool) {
	name := "Authorization"
	if res.StatusCode == 407 {
		name = "Proxy-Authorization"
	}
	asked := header(res, "WWW-Authenticate") + header(res, "Proxy-Authenticate")
	if header(refused, name) != "" || !strings.Contains(asked, "carrier") {
		return nil, false
	}
	return sip.NewHeader(name, "for "+string(refused.Method)), true
}

// carrier makes all targets one trunk, where we are a.
func (w *world) carrier(a Credentials) {
	w.dress = func(_ int, t *Target) { t.Trunk = "carrier" }
	w.sw.cfg.Credentials = func(trunk string) Credentials {
		if trunk != "carrier" {
			return nil
		}
		return a
	}
}

// refuse takes the next request, which must carry no credentials, and challenges it.
func (p *phone) refuse(method string, status int) *sip.Request {
	p.w.t.Helper()
	m := p.expect(method).(*sip.Request)
	if header(m, "Authorization")+header(m, "Proxy-Authorization") != "" {
		p.w.t.Errorf("%s carries credentials before anybody asked", method)
	}
	name := map[int]string{401: "WWW-Authenticate: ", 407: "Proxy-Authenticate: "}[status]
	p.reply(m, status, "", name+challenge)
	if method == "INVITE" {
		p.expect("ACK")
	}
	return m
}

// proved takes the next request, which must be m again with credentials.
func (p *phone) proved(m *sip.Request, name string) *sip.Request {
	p.w.t.Helper()
	got := p.expect(string(m.Method)).(*sip.Request)
	if v := header(got, name); v != "for "+string(m.Method) {
		p.w.t.Errorf("%s: %s is %q", m.Method, name, v)
	}
	if got.CSeq().SeqNo != m.CSeq().SeqNo+1 || got.CallID().Value() != m.CallID().Value() || got.From().String() != m.From().String() {
		p.w.t.Errorf("%s again:\n%s\nwas\n%s", m.Method, got, m)
	}
	if string(got.Body()) != string(m.Body()) {
		p.w.t.Errorf("%s: body changed", m.Method)
	}
	return got
}

// INVITE, its ACK and BYE carry what the carrier asks for, the CSeq one higher.
func TestChallenged_RFC3261_22_2(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.carrier(account)
		caller, carrier := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		first := carrier.refuse("INVITE", 407)
		carrier.callID = ""
		invite := carrier.proved(first, "Proxy-Authorization")
		carrier.reply(invite, 180, "")
		carrier.reply(invite, 200, carrier.sdp("sendrecv"))
		if ack := carrier.expect("ACK").(*sip.Request); header(ack, "Proxy-Authorization") != "for INVITE" {
			t.Errorf("ACK without the credentials of its INVITE (13.2.2.4)\n%s", ack)
		}
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		time.Sleep(time.Second)
		caller.request("BYE", "")
		caller.expect("200")
		carrier.reply(carrier.proved(carrier.refuse("BYE", 401), "Authorization"), 200, "")
		w.wantEvents(callerBye)
	})
}

// So does the PRACK of an early dialog; the BYE counts on from there.
func TestChallenged_PRACK(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.carrier(account)
		caller, carrier := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		first := carrier.refuse("INVITE", 407)
		carrier.callID = ""
		invite := carrier.proved(first, "Proxy-Authorization")
		carrier.reply(invite, 183, carrier.sdp("sendrecv"), "Require: 100rel", "RSeq: 9")
		prack := carrier.proved(carrier.refuse("PRACK", 407), "Proxy-Authorization")
		if got := header(prack, "RAck"); got != "9 2 INVITE" {
			t.Errorf("RAck: %q", got)
		}
		carrier.reply(prack, 200, "")
		carrier.reply(invite, 200, "")
		carrier.expect("ACK")
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		time.Sleep(time.Second)
		caller.request("PRACK", "", "RAck: 1 1 INVITE")
		caller.expect("481") // nothing of ours was reliable
		caller.request("BYE", "")
		caller.expect("200")
		bye := carrier.proved(carrier.refuse("BYE", 401), "Authorization")
		if bye.CSeq().SeqNo != prack.CSeq().SeqNo+2 {
			t.Errorf("BYE with CSeq %d after PRACK %d", bye.CSeq().SeqNo, prack.CSeq().SeqNo)
		}
		carrier.reply(bye, 200, "")
		w.wantEvents(callerBye)
	})
}

// A refresh of the session is challenged, too, and counts when it is answered.
func TestChallenged_refresh(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.carrier(account)
		caller, carrier := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		invite := carrier.expect("INVITE").(*sip.Request)
		carrier.reply(invite, 200, carrier.sdp("sendrecv"), "Session-Expires: 90;refresher=uac", "Require: timer")
		carrier.expect("ACK")
		caller.expect("200")
		caller.ack("")
		time.Sleep(40 * time.Second)
		again := carrier.proved(carrier.refuse("INVITE", 401), "Authorization")
		carrier.reply(again, 200, carrier.sdp("sendrecv"), "Session-Expires: 90;refresher=uac")
		if ack := carrier.expect("ACK").(*sip.Request); header(ack, "Authorization") != "for INVITE" {
			t.Errorf("ACK\n%s", ack)
		}
		caller.request("BYE", "")
		caller.expect("200")
		carrier.reply(carrier.expect("BYE").(*sip.Request), 200, "")
	})
}

// Credentials go to nobody who names another realm, nor twice, nor to targets that
// have none: the refusal stands (CVE-2021-41158).
func TestChallenged_leaksNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		credentials Credentials
		first       string // the first challenge
		twice       bool
	}{
		"foreign realm":  {account, `Digest realm="evil", nonce="n1", qop="auth"`, false},
		"refused again":  {account, challenge, true},
		"no credentials": {nil, challenge, false},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, connect, func(w *world) {
				w.carrier(tt.credentials)
				caller, callee := w.phone("1050"), w.phone("1002")
				caller.dial("1002", caller.sdp("sendrecv"))
				m := callee.expect("INVITE").(*sip.Request)
				callee.reply(m, 401, "", "WWW-Authenticate: "+tt.first)
				callee.expect("ACK")
				if tt.twice {
					m = callee.proved(m, "Authorization")
					callee.reply(m, 401, "", "WWW-Authenticate: "+challenge)
					callee.expect("ACK")
				}
				callee.quiet(35 * time.Second)
				res := caller.expect("403").(*sip.Response)
				if header(res, "WWW-Authenticate") != "" {
					t.Errorf("the challenge was passed on\n%s", res)
				}
				caller.ackFailure()
			})
		})
	}
}

// The caller gives up while the challenge is on its way: nothing is sent again.
func TestChallenged_afterCancel(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.carrier(account)
		caller, carrier := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		m := carrier.expect("INVITE").(*sip.Request)
		caller.cancel()
		synctest.Wait()
		carrier.reply(m, 401, "", "WWW-Authenticate: "+challenge)
		carrier.expect("ACK")
		carrier.quiet(35 * time.Second)
		if got := w.events(); !strings.Contains(got, "CallCleared:"+string(cti.CauseAbandoned)) {
			t.Errorf("events %s", got)
		}
	})
}

// A carrier that called us wants credentials when we hang up.
func TestChallenged_callerBye(t *testing.T) {
	scenario(t, connect, func(w *world) {
		w.carrier(account)
		w.dress = nil
		carrier, callee := w.phone("1050"), w.phone("1002")
		carrier.dial("1002", carrier.sdp("sendrecv"), "X-Office: carrier")
		callee.answer()
		carrier.expect("180")
		carrier.expect("200")
		carrier.ack("")
		time.Sleep(time.Second)
		callee.request("BYE", "")
		callee.expect("200")
		carrier.reply(carrier.proved(carrier.refuse("BYE", 407), "Proxy-Authorization"), 200, "")
	})
}
