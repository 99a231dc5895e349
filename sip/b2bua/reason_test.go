package b2bua

import (
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

type reasons []string

func (r reasons) GetHeaders(string) (out []sip.Header) {
	for _, v := range r {
		out = append(out, sip.NewHeader("Reason", v))
	}
	return out
}

func TestCauseSaid_RFC3326(t *testing.T) {
	for _, tt := range []struct {
		headers reasons
		want    cti.Cause
	}{
		{nil, ""},
		{reasons{`Q.850;cause=31;text="closed"`}, cti.CauseClosed},
		{reasons{`q.850 ; text="closed" ; cause=31`}, cti.CauseClosed},
		{reasons{`Q.850;cause=31`}, ""},
		{reasons{`Q.850;cause=31;text="Normal, unspecified"`}, ""},
		{reasons{`Q.850;cause=16;text="closed"`}, ""},
		{reasons{`Q.850;cause=102`}, ""},
		{reasons{`Q.850;cause=17`}, cti.CauseBusy},
		{reasons{`SIP;cause=486`}, cti.CauseBusy},
		{reasons{`SIP;cause=200;text="Call completed elsewhere"`}, cti.CauseAnsweredElsewhere},
		{reasons{`SIP;cause=486;text="a, b; Q.850;cause=1",Q.850;cause=19`}, cti.CauseNoAnswer},
		{reasons{`SIP;cause=404`, `Q.850;cause=42`}, cti.CauseOverload},
		{reasons{`SIP;cause=180`}, ""},
		{reasons{`SIP;cause=99999`, `Q.850;cause=-1`, `Q.850;cause`, `;;;`, `"`, ``, `preemption;cause=1`}, ""},
		{reasons{`Q.850;cause=17;text="` + strings.Repeat("x", maxReason) + `"`}, ""},
	} {
		got, ok := causeSaid(tt.headers)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%q: got %q, %v, want %q", tt.headers, got, ok, tt.want)
		}
	}
}

// What we say comes back as the same cause, or says no more than the status; and
// a Q.850 value has one meaning.
func TestReasonBothWays(t *testing.T) {
	heard := map[int]cti.Cause{}
	for _, r := range causeTable() {
		for _, v := range r.heard {
			if other, twice := heard[v]; twice {
				t.Errorf("Q.850 %d means %s and %s", v, other, r.cause)
			}
			heard[v] = r.cause
		}
		if len(r.heard) > 0 && !slices.Contains(r.heard, r.q850) {
			t.Errorf("%s: %d is said and not heard", r.cause, r.q850)
		}
	}
	vague := map[cti.Cause]cti.Cause{ // several causes share a value
		cti.CauseForbidden: cti.CauseRejected, cti.CauseShutdown: cti.CauseUnreachable, cti.CauseRestart: cti.CauseUnreachable,
		cti.CauseFailed: cti.CauseUnreachable, cti.CauseTransferred: "", cti.CauseRedirected: "", cti.CauseMediaTimeout: "",
		cti.CauseNoAck: "", cti.CauseMaxDuration: "", cti.CauseNormal: "", cti.CauseAbandoned: "",
	}
	for _, c := range allCauses() {
		want, ok := vague[c]
		if !ok {
			want = c
		}
		var said reasons
		for _, h := range reasonHeader(c) {
			said = append(said, h.Value())
		}
		if got, _ := causeSaid(said); got != want {
			t.Errorf("%s is said as %q and heard as %q, want %q", c, said, got, want)
		}
	}
}

func FuzzCauseSaid(f *testing.F) {
	f.Add(`Q.850;cause=31;text="closed"`)
	f.Add(`SIP;cause=486;text="a\",b",Q.850;cause=19`)
	f.Add(`;=,"`)
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := causeSaid(reasons{s})
		if ok != (c != "") || ok && !slices.Contains(allCauses(), c) {
			t.Fatalf("%q: %q, %v", s, c, ok)
		}
	})
}

// The office that an agent transfers to says that it is closed; a telephone or
// carrier that says so is not believed.
func TestTransferToClosedOffice(t *testing.T) {
	for _, tt := range []struct {
		to   cti.Destination
		want string
	}{
		{cti.Destination{Trunk: "1003", Number: "1003"}, "TransferFailed/2:closed"},
		{cti.Destination{Device: "1003"}, "TransferFailed/2:unreachable"},
	} {
		scenario(t, service, func(w *world) {
			caller, agent := talking(w)
			target := w.phone("1003")
			if err := w.transfer(tt.to); err != nil {
				t.Fatal(err)
			}
			target.reply(target.expect("INVITE").(*sip.Request), 480, "", `Reason: Q.850;cause=31;text="closed"`)
			target.expect("ACK")
			caller.request("BYE", "")
			caller.expect("200")
			agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
			if ev := w.events(); !strings.Contains(ev, tt.want) {
				t.Errorf("events %s, want %s", ev, tt.want)
			}
		})
	}
}

// BYE of an office says why.
func TestOfficeLeaves(t *testing.T) {
	scenario(t, service, func(w *world) {
		caller, agent := talking(w)
		office := w.phone("1003")
		if err := w.transfer(cti.Destination{Trunk: "1003", Number: "1003"}); err != nil {
			t.Fatal(err)
		}
		office.reply(office.expect("INVITE").(*sip.Request), 200, office.sdp("sendrecv"))
		office.expect("ACK")
		agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
		office.cseq = 5
		office.request("BYE", "", "Reason: Q.850;cause=41")
		office.expect("200")
		caller.reply(caller.expect("BYE").(*sip.Request), 200, "")
		if ev := w.events(); !strings.Contains(ev, "ConnectionCleared/3:unreachable") {
			t.Errorf("events %s", ev)
		}
	})
}

// Whom we ring hears why a caller gave up, if a trunk says it and we know what it means;
// its own words never go on.
func TestReasonOfCancel_RFC3326(t *testing.T) {
	elsewhere := `SIP;cause=200;text="Call completed elsewhere"`
	for _, tt := range []struct{ from, said, want string }{
		{"X-Office: 1050", `SIP ;cause=200 ;text="<b>"`, elsewhere},
		{"X-Office: 1050", `Q.850;cause=26`, elsewhere},
		{"X-Office: 1050", `Q.850;cause=17;text="x"`, "Q.850;cause=17"},
		{"X-Office: 1050", `preemption;cause=1`, ""},
		{"X-Office: 1050", "", ""},
		{"X-Station: 1050", `SIP;cause=200`, ""},
	} {
		scenario(t, connect, func(w *world) {
			caller, callee := w.phone("1050"), w.phone("1002")
			caller.dial("1002", caller.sdp("sendrecv"), tt.from)
			m := callee.expect("INVITE").(*sip.Request)
			callee.reply(m, 180, "")
			caller.expect("180")
			tag := caller.remoteTag
			caller.remoteTag = ""
			caller.write("CANCEL", caller.cseq, caller.branch, "", "Reason: "+tt.said)
			caller.remoteTag = tag
			caller.expectOneOf("200", "487")
			caller.expectOneOf("200", "487")
			caller.ackFailure()
			cancel := callee.expect("CANCEL").(*sip.Request)
			if got := header(cancel, "Reason"); got != tt.want {
				t.Errorf("%s said %q: Reason %q, want %q", tt.from, tt.said, got, tt.want)
			}
			callee.reply(cancel, 200, "")
			callee.reply(m, 487, "")
			callee.expect("ACK")
		})
	}
}
