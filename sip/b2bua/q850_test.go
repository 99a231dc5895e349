package b2bua

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// Each line once, every value in range, and what is said of a status is understood
// again as the same kind of thing.
func TestQ850Tables_RFC3398(t *testing.T) {
	seen := map[int]bool{}
	for _, r := range statusTable() {
		if seen[r.q850] || r.q850 < 1 || r.q850 > 127 || r.status < 400 || r.status > 699 {
			t.Errorf("Q.850 %d: line %+v", r.q850, r)
		}
		seen[r.q850] = true
		if got := StatusOfQ850(r.q850); got != r.status {
			t.Errorf("StatusOfQ850(%d) = %d", r.q850, got)
		}
	}
	seen = map[int]bool{}
	for _, r := range q850Table() {
		if seen[r.status] || r.q850 < 1 || r.q850 > 127 {
			t.Errorf("status %d: line %+v", r.status, r)
		}
		seen[r.status] = true
		if got := Q850OfStatus(r.status); got != r.q850 {
			t.Errorf("Q850OfStatus(%d) = %d", r.status, got)
		}
	}
	for _, status := range []int{404, 410, 484, 486, 488, 503, 504} {
		if got := StatusOfQ850(Q850OfStatus(status)); got != status {
			t.Errorf("%d comes back as %d", status, got)
		}
	}
}

// Every value has a status of the range, or none where the call simply ended.
func TestStatusOfQ850_all(t *testing.T) {
	for value := range 200 {
		got := StatusOfQ850(value)
		none := value < 1 || value > 127 || value == 16 || value == 30
		if none != (got == 0) || !none && (got < 400 || got > 699) {
			t.Errorf("%d: %d", value, got)
		}
	}
	for _, tt := range []struct{ value, want int }{{4, 404}, {25, 480}, {44, 503}, {63, 503}, {66, 501}, {95, 400}, {97, 500}} {
		if got := StatusOfQ850(tt.value); got != tt.want {
			t.Errorf("class of %d: %d, want %d", tt.value, got, tt.want)
		}
	}
	for _, tt := range []struct{ status, want int }{{302, 31}, {418, 31}, {580, 41}, {699, 21}} {
		if got := Q850OfStatus(tt.status); got != tt.want {
			t.Errorf("class of %d: %d, want %d", tt.status, got, tt.want)
		}
	}
}

// Values without a line of their own mean what their status means; those that say
// nothing do not overrule the status of the response.
func TestCauseOfQ850(t *testing.T) {
	for value, want := range map[int]cti.Cause{
		1: cti.CauseNotFound, 17: cti.CauseBusy, 19: cti.CauseNoAnswer, 21: cti.CauseRejected, 27: cti.CauseUnreachable, 28: cti.CauseNotFound,
		34: cti.CauseOverload, 47: cti.CauseUnreachable, 55: cti.CauseRejected, 57: cti.CauseRejected, 63: cti.CauseUnreachable, 65: cti.CauseIncompatible,
		70: cti.CauseIncompatible, 2: cti.CauseNotFound, 16: "", 31: "", 102: "", 111: "", 127: "", 0: "", 500: "",
	} {
		if got, ok := causeOfQ850(value, ""); got != want || ok != (want != "") {
			t.Errorf("%d: %q %t, want %q", value, got, ok, want)
		}
	}
}

// A carrier refuses with 503 and says by Q.850 that the number is busy.
func TestReasonOfCarrier_RFC6432(t *testing.T) {
	scenario(t, byTrunk, func(w *world) {
		w.dress = func(_ int, target *Target) { target.Trusted = false }
		caller, carrier := w.phone("1050"), w.phone("1002")
		caller.dial("1002", caller.sdp("sendrecv"))
		carrier.reply(carrier.expect("INVITE").(*sip.Request), 503, "", `Reason: Q.850;cause=17;text="User busy"`)
		carrier.expect("ACK")
		m := caller.expect("486").(*sip.Response)
		if got := header(m, "Reason"); got != "Q.850;cause=17" {
			t.Errorf("Reason: %q", got)
		}
		caller.ackFailure()
	})
}
