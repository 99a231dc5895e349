package b2bua

import (
	"testing"

	"github.com/lineaamica/la2/cti"
)

// The causes of package cti: a new one needs a line in causeTable.
func allCauses() []cti.Cause {
	return []cti.Cause{
		cti.CauseNormal, cti.CauseAbandoned, cti.CauseClosed, cti.CauseBusy, cti.CauseNoAnswer, cti.CauseRejected,
		cti.CauseUnreachable, cti.CauseNotFound, cti.CauseForbidden, cti.CauseTransferred, cti.CauseAnsweredElsewhere,
		cti.CauseRedirected, cti.CauseMediaTimeout, cti.CauseNoAck, cti.CauseIncompatible, cti.CauseOverload,
		cti.CauseMaxDuration, cti.CauseShutdown, cti.CauseRestart, cti.CauseFailed,
	}
}

func TestCauseTable(t *testing.T) {
	rows := map[cti.Cause]int{}
	status := map[int]cti.Cause{}
	for _, r := range causeTable() {
		rows[r.cause]++
		if r.status < 400 || r.status > 699 || r.reason == "" || r.q850 < 1 || r.q850 > 127 {
			t.Errorf("%s: implausible row %+v", r.cause, r)
		}
		for _, s := range r.from {
			if other, twice := status[s]; twice {
				t.Errorf("status %d means %s and %s", s, other, r.cause)
			}
			status[s] = r.cause
		}
	}
	for _, c := range allCauses() {
		if rows[c] != 1 {
			t.Errorf("%s has %d rows, want 1", c, rows[c])
		}
	}
	if len(rows) != len(allCauses()) {
		t.Errorf("%d rows for %d causes", len(rows), len(allCauses()))
	}
	if got, _ := StatusOf("unheard"); got != 500 {
		t.Errorf("unknown cause: got %d", got)
	}
}

func TestCauseOf(t *testing.T) {
	for status, want := range map[int]cti.Cause{
		302: cti.CauseRejected, 401: cti.CauseForbidden, 403: cti.CauseRejected, 404: cti.CauseNotFound, 408: cti.CauseUnreachable,
		480: cti.CauseUnreachable, 486: cti.CauseBusy, 487: cti.CauseAbandoned, 488: cti.CauseIncompatible, 500: cti.CauseUnreachable,
		503: cti.CauseUnreachable, 600: cti.CauseBusy, 603: cti.CauseRejected,
	} {
		if got := CauseOf(status); got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
}

func TestWorse_RFC3261_16_7(t *testing.T) {
	for _, tt := range []struct {
		a, b int
		want bool
	}{
		{603, 486, true}, {486, 603, false}, {486, 503, true}, {401, 486, true}, {302, 486, true}, {486, 408, true}, {500, 503, true},
	} {
		if got := worse(tt.a, tt.b); got != tt.want {
			t.Errorf("worse(%d, %d) = %v", tt.a, tt.b, got)
		}
	}
}
