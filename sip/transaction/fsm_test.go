package transaction

import "testing"

func TestICT_RFC3261_17_1_1(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   ictState
		ev   ictEvent
		want ictState
		acts actions
	}{
		{"the request is sent with timers A and B (17.1.1.2)", ictInit, ictRequest, ictCalling, do(send, startRetry, armB)},
		{"timer A resends and doubles (17.1.1.2)", ictCalling, ictRetry, ictCalling, do(resend, backOff)},
		{"timer B tells the user (17.1.1.2)", ictCalling, ictExpire, ictTerminated, do(timeout)},
		{"transport error in Calling tells the user (17.1.4)", ictCalling, ictTransport, ictTerminated, do(fail)},
		{"1xx stops retransmission (17.1.1.2)", ictCalling, ict1xx, ictProceeding, do(stopRetry, stopLife, deliver)},
		{"2xx in Calling enters Accepted (RFC 6026 7.2)", ictCalling, ict2xx, ictAccepted, do(stopRetry, armM, deliver)},
		{"failure in Calling is acknowledged (17.1.1.2)", ictCalling, ict3xx, ictCompleted, do(stopRetry, armD, sendAck, deliver)},
		{"CANCEL waits for a 1xx (9.1)", ictCalling, ictCancel, ictCancelPending, nothing},
		{"a waiting CANCEL leaves with the 1xx (9.1)", ictCancelPending, ict1xx, ictCancelling, do(stopRetry, sendCancel, armX, deliver)},
		{"timer A goes on while CANCEL waits", ictCancelPending, ictRetry, ictCancelPending, do(resend, backOff)},
		{"a 2xx as first response beats a waiting CANCEL", ictCancelPending, ict2xx, ictAccepted, do(stopRetry, armM, deliver)},
		{"a failure as first response beats a waiting CANCEL", ictCancelPending, ict3xx, ictCompleted, do(stopRetry, armD, sendAck, deliver)},
		{"timer B ends the wait", ictCancelPending, ictExpire, ictTerminated, do(timeout)},
		{"each 1xx goes to the user (17.1.1.2)", ictProceeding, ict1xx, ictProceeding, do(deliver)},
		{"2xx in Proceeding enters Accepted (RFC 6026 7.2)", ictProceeding, ict2xx, ictAccepted, do(armM, deliver)},
		{"failure in Proceeding is acknowledged", ictProceeding, ict3xx, ictCompleted, do(armD, sendAck, deliver)},
		{"CANCEL in Proceeding leaves at once (9.1)", ictProceeding, ictCancel, ictCancelling, do(sendCancel, armX)},
		{"a connection lost while ringing tells the user", ictProceeding, ictTransport, ictTerminated, do(fail)},
		{"487 ends a cancelled INVITE (9.1)", ictCancelling, ict3xx, ictCompleted, do(armD, sendAck, deliver)},
		{"a 2xx that crossed CANCEL goes to the user (9.1)", ictCancelling, ict2xx, ictAccepted, do(armM, deliver)},
		{"timer C cancels (16.8)", ictProceeding, ictExpire, ictCancelling, do(sendCancel, armX)},
		{"no final response 64*T1 after CANCEL (9.1)", ictCancelling, ictExpire, ictTerminated, do(timeout)},
		{"a second cancel does nothing", ictCancelling, ictCancel, ictCancelling, nothing},
		{"a repeated failure is acknowledged again (17.1.1.2)", ictCompleted, ict3xx, ictCompleted, do(sendAck)},
		{"a late 1xx is absorbed", ictCompleted, ict1xx, ictCompleted, nothing},
		{"timer D ends (17.1.1.2)", ictCompleted, ictExpire, ictTerminated, nothing},
		{"each 2xx goes to the user (RFC 6026 7.2)", ictAccepted, ict2xx, ictAccepted, do(deliver)},
		{"timer M ends (RFC 6026 7.2)", ictAccepted, ictExpire, ictTerminated, nothing},
		{"a failure after a 2xx is a fault of the peer", ictAccepted, ict3xx, ictAccepted, ignored},
	}
	for _, tt := range tests {
		got, acts := stepICT(tt.in, tt.ev)
		if got != tt.want || acts != tt.acts {
			t.Errorf("%s: stepICT(%v, %d) = %v %v, want %v %v", tt.name, tt.in, tt.ev, got, acts, tt.want, tt.acts)
		}
	}
}

func TestNICT_RFC3261_17_1_2(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   nictState
		ev   nictEvent
		want nictState
		acts actions
	}{
		{"the request is sent with timers E and F", nictInit, nictRequest, nictTrying, do(send, startRetry, armF)},
		{"timer E doubles up to T2 in Trying", nictTrying, nictRetry, nictTrying, do(resend, backOffT2)},
		{"timer F tells the user", nictTrying, nictExpire, nictTerminated, do(stopRetry, timeout)},
		{"transport error tells the user", nictTrying, nictTransport, nictTerminated, do(stopRetry, fail)},
		{"1xx enters Proceeding", nictTrying, nict1xx, nictProceeding, do(deliver)},
		{"final response enters Completed", nictTrying, nictFinal, nictCompleted, do(stopRetry, armK, deliver)},
		{"timer E is T2 in Proceeding", nictProceeding, nictRetry, nictProceeding, do(resend, steadyT2)},
		{"timer F ends Proceeding, too", nictProceeding, nictExpire, nictTerminated, do(stopRetry, timeout)},
		{"final response in Proceeding", nictProceeding, nictFinal, nictCompleted, do(stopRetry, armK, deliver)},
		{"repeated final responses are absorbed", nictCompleted, nictFinal, nictCompleted, nothing},
		{"timer K ends", nictCompleted, nictExpire, nictTerminated, nothing},
	}
	for _, tt := range tests {
		got, acts := stepNICT(tt.in, tt.ev)
		if got != tt.want || acts != tt.acts {
			t.Errorf("%s: stepNICT(%v, %d) = %v %v, want %v %v", tt.name, tt.in, tt.ev, got, acts, tt.want, tt.acts)
		}
	}
}

func TestIST_RFC3261_17_2_1(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   istState
		ev   istEvent
		want istState
		acts actions
	}{
		{"INVITE is answered 100 and given to the user", istInit, istInvite, istProceeding, do(trying, pass)},
		{"repeated INVITE in Proceeding resends the last 1xx", istProceeding, istInvite, istProceeding, do(resend)},
		{"1xx of the user is sent", istProceeding, istTU1xx, istProceeding, do(send)},
		{"CANCEL in Proceeding goes to the user (9.2)", istProceeding, istCancel, istProceeding, do(passCancel)},
		{"2xx enters Accepted (RFC 6026 7.1)", istProceeding, istTU2xx, istAccepted, do(send, startR, armL)},
		{"failure enters Completed with timers G and H", istProceeding, istTU3xx, istCompleted, do(send, startRetry, armH)},
		{"repeated INVITE in Completed resends the failure", istCompleted, istInvite, istCompleted, do(resend)},
		{"timer G resends and doubles up to T2", istCompleted, istRetry, istCompleted, do(resend, backOffT2)},
		{"ACK stops timer G and arms I", istCompleted, istAck, istConfirmed, do(stopRetry, armI)},
		{"timer H ends", istCompleted, istExpire, istTerminated, do(stopRetry)},
		{"CANCEL after the final response has no effect (9.2)", istCompleted, istCancel, istCompleted, nothing},
		{"a second final response is a fault of the user", istCompleted, istTU2xx, istCompleted, ignored},
		{"repeated ACK in Confirmed is absorbed", istConfirmed, istAck, istConfirmed, nothing},
		{"timer I ends", istConfirmed, istExpire, istTerminated, nothing},
		{"repeated INVITE in Accepted is absorbed (RFC 6026 7.1)", istAccepted, istInvite, istAccepted, nothing},
		{"2xx is sent again until ACK (13.3.1.4)", istAccepted, istRetry, istAccepted, do(resend, backOffT2)},
		{"ACK in Accepted goes to the user (RFC 6026 7.1)", istAccepted, istAck, istAcknowledged, do(stopRetry, passAck)},
		{"no ACK in 64*T1 (13.3.1.4)", istAccepted, istExpire, istTerminated, do(stopRetry, unacked)},
		{"repeated ACK goes to the user (RFC 6026 7.1)", istAcknowledged, istAck, istAcknowledged, do(stopRetry, passAck)},
		{"repeated INVITE after ACK is absorbed", istAcknowledged, istInvite, istAcknowledged, nothing},
		{"timer L ends after ACK without a word", istAcknowledged, istExpire, istTerminated, nothing},
		{"CANCEL after 2xx has no effect (9.2)", istAccepted, istCancel, istAccepted, nothing},
		{"the first 2xx that is passed on (RFC 6026 7.1)", istProceeding, istPassed2xx, istRelayed, do(send, armL)},
		{"each other 2xx is passed on, too", istRelayed, istPassed2xx, istRelayed, do(send)},
		{"repeated INVITE in Relayed is absorbed", istRelayed, istInvite, istRelayed, nothing},
		{"CANCEL in Relayed has no effect", istRelayed, istCancel, istRelayed, nothing},
		{"ACK in Relayed goes to the user", istRelayed, istAck, istRelayed, do(passAck)},
		{"timer L ends Relayed", istRelayed, istExpire, istTerminated, nothing},
		{"a 2xx after a refusal is not passed on", istCompleted, istPassed2xx, istCompleted, ignored},
	}
	for _, tt := range tests {
		got, acts := stepIST(tt.in, tt.ev)
		if got != tt.want || acts != tt.acts {
			t.Errorf("%s: stepIST(%v, %d) = %v %v, want %v %v", tt.name, tt.in, tt.ev, got, acts, tt.want, tt.acts)
		}
	}
}

func TestNIST_RFC3261_17_2_2(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   nistState
		ev   nistEvent
		want nistState
		acts actions
	}{
		{"the request goes to the user", nistInit, nistRequest, nistTrying, do(armF, pass)},
		{"repeated request in Trying is absorbed", nistTrying, nistRequest, nistTrying, nothing},
		{"1xx enters Proceeding", nistTrying, nistTU1xx, nistProceeding, do(send)},
		{"final response enters Completed with timer J", nistTrying, nistTUFinal, nistCompleted, do(send, armJ)},
		{"a user that never answers leaks nothing", nistTrying, nistExpire, nistTerminated, nothing},
		{"repeated request in Proceeding resends the 1xx", nistProceeding, nistRequest, nistProceeding, do(resend)},
		{"final response in Proceeding", nistProceeding, nistTUFinal, nistCompleted, do(send, armJ)},
		{"repeated request in Completed resends the final", nistCompleted, nistRequest, nistCompleted, do(resend)},
		{"a second final response is discarded", nistCompleted, nistTUFinal, nistCompleted, ignored},
		{"timer J ends", nistCompleted, nistExpire, nistTerminated, nothing},
	}
	for _, tt := range tests {
		got, acts := stepNIST(tt.in, tt.ev)
		if got != tt.want || acts != tt.acts {
			t.Errorf("%s: stepNIST(%v, %d) = %v %v, want %v %v", tt.name, tt.in, tt.ev, got, acts, tt.want, tt.acts)
		}
	}
}

// TestMachinesExhaustive feeds every event in every state. No machine goes back to Init or
// leaves Terminated; an event that does not belong is ignored and moves nothing; the user hears
// of the end once; nothing is sent in Terminated.
func TestMachinesExhaustive(t *testing.T) {
	t.Parallel()
	machine{"ICT", int(ictTerminated), int(ictEvents), func(s, e int) (int, actions) {
		next, a := stepICT(ictState(s), ictEvent(e))
		return int(next), a
	}, func(s int) string { return ictState(s).String() }}.check(t)
	machine{"NICT", int(nictTerminated), int(nictEvents), func(s, e int) (int, actions) {
		next, a := stepNICT(nictState(s), nictEvent(e))
		return int(next), a
	}, func(s int) string { return nictState(s).String() }}.check(t)
	machine{"IST", int(istTerminated), int(istEvents), func(s, e int) (int, actions) {
		next, a := stepIST(istState(s), istEvent(e))
		return int(next), a
	}, func(s int) string { return istState(s).String() }}.check(t)
	machine{"NIST", int(nistTerminated), int(nistEvents), func(s, e int) (int, actions) {
		next, a := stepNIST(nistState(s), nistEvent(e))
		return int(next), a
	}, func(s int) string { return nistState(s).String() }}.check(t)
}

type machine struct {
	name             string
	terminated, last int // Terminated, and the number of events
	step             func(s, e int) (int, actions)
	state            func(s int) string
}

func (m machine) check(t *testing.T) {
	t.Helper()
	reached := map[int]bool{0: true}
	for s := 0; s <= m.terminated; s++ {
		for e := range m.last {
			next, acts := m.step(s, e)
			reached[next] = true
			if next < 0 || next > m.terminated || (next == 0 && s != 0) {
				t.Errorf("%s: %s, event %d: goes to %s", m.name, m.state(s), e, m.state(next))
			}
			if s == m.terminated && (next != s || acts != ignored) {
				t.Errorf("%s: Terminated, event %d: %v, to %s", m.name, e, acts, m.state(next))
			}
			if acts == ignored && next != s {
				t.Errorf("%s: %s, event %d: ignored, but goes to %s", m.name, m.state(s), e, m.state(next))
			}
			m.checkActions(t, s, e, next, acts)
		}
	}
	for s := range m.terminated + 1 {
		if !reached[s] {
			t.Errorf("%s: no event leads to %s", m.name, m.state(s))
		}
	}
}

func (m machine) checkActions(t *testing.T, s, e, next int, acts actions) {
	t.Helper()
	told, ended := 0, false
	for i, a := range acts {
		if a == none {
			for _, rest := range acts[i:] {
				if rest != none {
					t.Errorf("%s: %s, event %d: an action after none: %v", m.name, m.state(s), e, acts)
				}
			}
			break
		}
		switch a {
		case timeout, fail, unacked:
			ended = true
			told++
		case deliver, pass, passAck, passCancel:
			told++
		case startRetry, startR, backOff, backOffT2, steadyT2, armB, armD, armF, armH, armI, armJ, armK, armL, armM, armX:
			if next == m.terminated {
				t.Errorf("%s: %s, event %d: %v arms a timer of a dead transaction", m.name, m.state(s), e, a)
			}
		}
	}
	if told > 1 {
		t.Errorf("%s: %s, event %d: the user hears of it %d times: %v", m.name, m.state(s), e, told, acts)
	}
	if ended && next != m.terminated {
		t.Errorf("%s: %s, event %d: the user hears of an end that is none: %v", m.name, m.state(s), e, acts)
	}
}
