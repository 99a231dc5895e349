package dialog

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
)

var testFlow = flow.Flow{
	Transport: flow.UDP,
	Local:     netip.MustParseAddrPort("10.0.0.1:5060"),
	Remote:    netip.MustParseAddrPort("10.0.0.9:5062"),
}

func message(t *testing.T, lines ...string) sip.Message {
	t.Helper()
	msg, err := sip.ParseMessage([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n"))
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return msg
}

func request(t *testing.T, lines ...string) *sip.Request {
	t.Helper()
	return message(t, lines...).(*sip.Request)
}

func response(t *testing.T, lines ...string) *sip.Response {
	t.Helper()
	return message(t, lines...).(*sip.Response)
}

func invite(t *testing.T, extra ...string) *sip.Request {
	t.Helper()
	return request(t, append([]string{
		"INVITE sip:803001@10.0.0.1 SIP/2.0",
		"Via: SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bKi",
		"Max-Forwards: 70",
		`From: "Ada" <sip:+390612345678@example.it>;tag=far`,
		"To: <sip:803001@example.it>",
		"Call-ID: c1",
		"CSeq: 7 INVITE",
		"Contact: <sip:ada@10.0.0.9:5062;transport=udp>",
	}, extra...)...)
}

func answer(t *testing.T, status string, extra ...string) *sip.Response {
	t.Helper()
	return response(t, append([]string{
		"SIP/2.0 " + status,
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKo",
		`From: "Ada" <sip:+390612345678@example.it>;tag=far`,
		"To: <sip:803001@example.it>;tag=near",
		"Call-ID: c1",
		"CSeq: 7 INVITE",
	}, extra...)...)
}

func uas(t *testing.T, extra ...string) *Dialog {
	t.Helper()
	d, err := NewUAS(invite(t, extra...), "near", sip.Uri{User: "la2", Host: "10.0.0.1", Port: 5060}, testFlow)
	if err != nil {
		t.Fatalf("NewUAS: %v", err)
	}
	return d
}

func uac(t *testing.T, res *sip.Response) *Dialog {
	t.Helper()
	d, err := NewUAC(invite(t), res, testFlow)
	if err != nil {
		t.Fatalf("NewUAC: %v", err)
	}
	return d
}

func TestUAS_RFC3261_12_1_1(t *testing.T) {
	t.Parallel()
	d := uas(t, "Record-Route: <sip:p1.example.it;lr>, <sip:p2.example.it;lr>")
	if got, want := d.ID(), (ID{"c1", "near", "far"}); got != want {
		t.Errorf("ID = %v, want %v", got, want)
	}
	if d.State() != Early || d.Caller() || d.LocalSeq() != 0 || d.Flow() != testFlow {
		t.Errorf("dialog = %+v", d.Snapshot())
	}
	d.Confirm()
	if d.State() != Confirmed {
		t.Errorf("state after 2xx = %v, want confirmed", d.State())
	}
	want := lines(
		"BYE sip:ada@10.0.0.9:5062;transport=udp SIP/2.0",
		"Route: <sip:p1.example.it;lr>",
		"Route: <sip:p2.example.it;lr>",
		"Max-Forwards: 70",
		"From: <sip:803001@example.it>;tag=near",
		`To: "Ada" <sip:+390612345678@example.it>;tag=far`,
		"Call-ID: c1",
		"CSeq: 1 BYE",
	)
	if got := d.Request(sip.BYE).String(); got != want {
		t.Errorf("BYE:\n%s\nwant:\n%s", got, want)
	}
}

func TestUAC_RFC3261_12_1_2(t *testing.T) {
	t.Parallel()
	early := answer(t, "180 Ringing", "Contact: <sip:op@10.0.0.7>", "Record-Route: <sip:p1.example.it;lr>", "Record-Route: <sip:p2.example.it;lr>")
	d := uac(t, early)
	if d.State() != Early || !d.Caller() {
		t.Fatalf("dialog = %+v, want early", d.Snapshot())
	}
	if got, want := d.Snapshot().Routes, []string{"sip:p2.example.it;lr", "sip:p1.example.it;lr"}; !reflect.DeepEqual(got, want) {
		t.Errorf("routes = %v, want %v", got, want)
	}
	// RFC 3261 13.2.2.4: the 2xx decides target and route set.
	if err := d.Update(answer(t, "200 OK", "Contact: <sip:op@10.0.0.8>", "Record-Route: <sip:p1.example.it;lr>")); err != nil {
		t.Fatalf("Update: %v", err)
	}
	want := lines(
		"ACK sip:op@10.0.0.8 SIP/2.0",
		"Route: <sip:p1.example.it;lr>",
		"Max-Forwards: 70",
		`From: "Ada" <sip:+390612345678@example.it>;tag=far`,
		"To: <sip:803001@example.it>;tag=near",
		"Call-ID: c1",
		"CSeq: 7 ACK",
	)
	if got := d.Ack(7).String(); got != want {
		t.Errorf("ACK:\n%s\nwant:\n%s", got, want)
	}
	if got := d.Request(sip.BYE).CSeq().SeqNo; got != 8 {
		t.Errorf("CSeq of BYE = %d, want 8", got)
	}
	// A confirmed dialog keeps its route set (12.2).
	if err := d.Update(answer(t, "200 OK", "Contact: <sip:op@10.0.0.99>")); err != nil {
		t.Fatalf("Update: %v", err)
	}
	s := d.Snapshot()
	if len(s.Routes) != 1 || s.Target != "sip:op@10.0.0.99" {
		t.Errorf("after re-INVITE: routes %v target %s", s.Routes, s.Target)
	}
}

func TestUAC_NoDialog(t *testing.T) {
	t.Parallel()
	untagged := answer(t, "180 Ringing")
	untagged.To().Params = nil
	for name, res := range map[string]*sip.Response{
		"100 makes none (12.1)":                answer(t, "100 Trying"),
		"failure makes none (12.1)":            answer(t, "486 Busy Here"),
		"1xx without To tag makes none (12.1)": untagged,
	} {
		if _, err := NewUAC(invite(t), res, testFlow); !errors.Is(err, ErrNoDialog) {
			t.Errorf("%s: %v, want ErrNoDialog", name, err)
		}
	}
	// A fork's 2xx belongs to another dialog (13.2.2.4).
	d := uac(t, answer(t, "180 Ringing"))
	fork := answer(t, "200 OK")
	fork.To().Params.Add("tag", "other")
	if err := d.Update(fork); !errors.Is(err, ErrForeign) || d.State() != Early {
		t.Errorf("Update by a fork: %v, state %v", err, d.State())
	}
	// No Contact in the 180 of an old phone: the target stays the Request-URI.
	if got := d.Target(); got.String() != "sip:803001@10.0.0.1" {
		t.Errorf("target = %s", got.String())
	}
}

func TestUAS_Incomplete(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"From", "To", "Call-ID", "CSeq", "Contact"} {
		req := invite(t)
		req.RemoveHeader(name)
		if _, err := NewUAS(req, "near", sip.Uri{Host: "h"}, testFlow); !errors.Is(err, ErrIncomplete) {
			t.Errorf("without %s: %v, want ErrIncomplete", name, err)
		}
	}
}

func TestReceive_RFC3261_12_2_2(t *testing.T) {
	t.Parallel()
	in := func(method sip.RequestMethod, seq uint32, tag string) *sip.Request {
		req := invite(t)
		req.Method = method
		req.CSeq().MethodName, req.CSeq().SeqNo = method, seq
		req.To().Params.Add("tag", tag)
		return req
	}
	tests := []struct {
		name string
		req  *sip.Request
		want error
		seq  uint32
	}{
		{"higher CSeq is taken", in(sip.INFO, 8, "near"), nil, 8},
		{"a gap is no error", in(sip.INFO, 20, "near"), nil, 20},
		{"lower CSeq is out of order", in(sip.INFO, 19, "near"), ErrStale, 20},
		{"equal CSeq is a duplicate", in(sip.BYE, 20, "near"), ErrStale, 20},
		{"ACK carries the number of its INVITE", in(sip.ACK, 7, "near"), nil, 20},
		{"CANCEL carries the number of its INVITE", in(sip.CANCEL, 7, "near"), nil, 20},
		{"another To tag is another dialog", in(sip.BYE, 21, "else"), ErrForeign, 20},
	}
	d := uas(t)
	for _, tt := range tests {
		if err := d.Receive(tt.req); !errors.Is(err, tt.want) || d.Snapshot().RemoteSeq != tt.seq {
			t.Errorf("%s: %v, remote CSeq %d; want %v, %d", tt.name, err, d.Snapshot().RemoteSeq, tt.want, tt.seq)
		}
	}
	// The caller's side knows no remote number at first; even 0 is valid (8.1.1.5).
	far := uac(t, answer(t, "200 OK"))
	first := in(sip.BYE, 0, "far")
	first.From().Params.Add("tag", "near")
	if err := far.Receive(first); err != nil {
		t.Errorf("first request with CSeq 0: %v", err)
	}
	if err := far.Receive(first); !errors.Is(err, ErrStale) {
		t.Errorf("the same again: %v, want ErrStale", err)
	}
}

func TestStrictRoute_RFC3261_12_2_1_1(t *testing.T) {
	t.Parallel()
	d := uas(t, "Record-Route: <sip:strict.example.it;method=INVITE?subject=x>", "Record-Route: <sip:p2.example.it;LR>")
	want := lines(
		"INFO sip:strict.example.it SIP/2.0",
		"Route: <sip:p2.example.it;LR>",
		"Route: <sip:ada@10.0.0.9:5062;transport=udp>",
	)
	got := d.Request(sip.INFO).String()
	if !strings.HasPrefix(got, strings.TrimSuffix(want, "\r\n")) {
		t.Errorf("strict route:\n%s\nwant first:\n%s", got, want)
	}
	if again := d.Request(sip.INFO).String(); strings.Count(again, "Route:") != 2 {
		t.Errorf("the second request changed:\n%s", again)
	}
}

func TestRefresh_RFC3261_12_2(t *testing.T) {
	t.Parallel()
	d := uas(t)
	d.Refresh(nil)
	d.Refresh(&sip.ContactHeader{Address: sip.Uri{Wildcard: true}})
	if got := d.Target(); got.String() != "sip:ada@10.0.0.9:5062;transport=udp" {
		t.Errorf("target = %s, want it unchanged", got.String())
	}
	d.Refresh(&sip.ContactHeader{Address: sip.Uri{User: "ada", Host: "10.0.0.10"}})
	if req := d.Request(sip.INVITE); req.Recipient.String() != "sip:ada@10.0.0.10" || req.Contact() == nil {
		t.Errorf("re-INVITE after refresh:\n%s", req)
	}
	// What a caller does to a request does not reach the dialog.
	req := d.Request(sip.UPDATE)
	req.Recipient.Host, req.To().Address.Host = "evil", "evil"
	req.Contact().Address.Host = "evil"
	if s := d.Request(sip.UPDATE).String(); strings.Contains(s, "evil") {
		t.Errorf("a request shares memory with its dialog:\n%s", s)
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	d := uas(t, "Record-Route: <sip:p1.example.it:5070;lr;x=y>")
	d.Confirm()
	d.Request(sip.INFO)
	b, err := json.Marshal(d.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var s Snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	back, err := Restore(s)
	if err != nil {
		t.Fatalf("Restore: %v", err)
	}
	if got, want := back.Snapshot(), d.Snapshot(); !reflect.DeepEqual(got, want) {
		t.Errorf("restored %+v\nwant %+v", got, want)
	}
	if got, want := back.Request(sip.INVITE).String(), d.Request(sip.INVITE).String(); got != want {
		t.Errorf("restored dialog sends:\n%s\nwant:\n%s", got, want)
	}
	s.Target = "nonsense"
	if _, err := Restore(s); err == nil {
		t.Error("Restore of a target that is no URI: no error")
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	req := invite(t)
	if InDialog(req) {
		t.Error("an INVITE without To tag is in a dialog")
	}
	req.To().Params = sip.HeaderParams{{K: "TAG", V: "MiXed"}} // RFC 3261 7.3.1
	if !InDialog(req) || IDOf(req).LocalTag != "MiXed" {
		t.Errorf("ID = %+v, want the tag whatever its case", IDOf(req))
	}
	if ToTag(nil) != "" || FromTag(nil) != "" {
		t.Error("a missing header has a tag")
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	d := uas(t)
	d.Terminate()
	d.Confirm()
	if d.State() != Terminated {
		t.Errorf("state = %v, want terminated", d.State())
	}
	if got := State(9).String(); got != "State(9)" {
		t.Errorf("State(9) = %s", got)
	}
}

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n\r\n" }
