package b2bua

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

const oneSDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

// bodied is an INVITE with a body; headers are "Name: value".
func bodied(body string, headers ...string) *sip.Request {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "x"})
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.AppendHeader(sip.NewHeader(name, value))
	}
	req.SetBody([]byte(body))
	return req
}

// part writes one part of a multipart body with boundary b.
func part(kind, body string) string {
	return "--b\r\nContent-Type: " + kind + "\r\n\r\n" + body + "\r\n"
}

func TestDescription(t *testing.T) {
	isup := part("application/isup", "\x01\x00\x49")
	tests := []struct {
		name string
		req  *sip.Request
		want string
		err  error
	}{
		{"no body", bodied(""), "", nil},
		{"SDP", bodied(oneSDP, "Content-Type: application/sdp"), oneSDP, nil},
		{"SDP in capitals with a parameter", bodied(oneSDP, "Content-Type: Application/SDP;charset=utf-8"), oneSDP, nil},
		{"no Content-Type", bodied(oneSDP), oneSDP, nil},
		{"identity is no encoding", bodied(oneSDP, "Content-Type: application/sdp", "Content-Encoding: identity"), oneSDP, nil},
		{"unknown type (RFC 4475 3.3.6)", bodied("<audio>", "Content-Type: application/unknownformat"), "", errContentType},
		{"unreadable type", bodied("x", "Content-Type: ///"), "", errContentType},
		{"compressed", bodied("x", "Content-Type: application/sdp", "Content-Encoding: gzip"), "", errContentEncoding},
		{"unknown but optional", bodied("x", "Content-Type: text/plain", "Content-Disposition: icon;handling=optional"), "", nil},
		{"compressed but optional", bodied("x", "Content-Encoding: gzip", "Content-Disposition: icon;handling=optional"), "", nil},
		{"second of two parts", bodied(isup+part("application/sdp", oneSDP)+"--b--\r\n", "Content-Type: multipart/mixed;boundary=b"), oneSDP, nil},
		{"parts within a part", bodied("--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n--c\r\nContent-Type: application/sdp\r\n\r\n"+oneSDP+"\r\n--c--\r\n\r\n--b--\r\n",
			"Content-Type: multipart/mixed;boundary=b"), oneSDP, nil},
		{"parts without SDP", bodied(isup+"--b--\r\n", "Content-Type: multipart/mixed;boundary=b"), "", errContentType},
		{"SDP behind too many parts", bodied(strings.Repeat(isup, maxParts)+part("application/sdp", oneSDP)+"--b--\r\n", "Content-Type: multipart/mixed;boundary=b"), "", errContentType},
		{"no boundary", bodied("x", "Content-Type: multipart/mixed"), "", errContentType},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := description(tt.req)
			if string(got) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestRefusesSDP(t *testing.T) {
	for accept, want := range map[string]bool{
		"application/sdp": false, "text/plain, application/SDP;level=1": false, "application/*": false, "*/*;q=0.1": false,
		"text/nobodyKnowsThis": true, "text/plain, application/json": true,
	} {
		if got := refusesSDP(bodied("", "Accept: "+accept)); got != want {
			t.Errorf("Accept: %s: got %v", accept, got)
		}
	}
	if refusesSDP(bodied("")) {
		t.Error("no Accept refuses SDP")
	}
}

// What a body leads to, in INVITE and re-INVITE.
func TestBodies_RFC3261_8_2_3(t *testing.T) {
	scenario(t, service, func(w *world) {
		for _, tt := range []struct {
			phone, status, extra string
		}{
			{"1051", "415", "Content-Type: application/unknownformat"},
			{"1052", "415", "Content-Encoding: gzip"},
			{"1053", "406", "Accept: text/nobodyKnowsThis"},
		} {
			caller := w.phone(tt.phone)
			caller.dial("803001", caller.sdp("sendrecv"), tt.extra)
			res := caller.expect(tt.status).(*sip.Response)
			if tt.status == "415" && header(res, "Accept")+header(res, "Accept-Encoding") == "" {
				t.Errorf("%s: 415 without what we would take", tt.extra)
			}
			caller.ackFailure()
		}
		caller := w.phone("1050")
		caller.dial("803001", caller.sdp("sendrecv"))
		caller.expect("180")
		caller.expect("200")
		caller.ack("")
		caller.request("INVITE", "<audio>", "Content-Type: application/unknownformat")
		caller.expect("415")
		caller.ackFailure()
		caller.request("BYE", "")
		caller.expect("200")
	})
}

func FuzzDescription(f *testing.F) {
	f.Add("application/sdp", oneSDP)
	f.Add("multipart/mixed;boundary=b", part("application/sdp", oneSDP)+"--b--\r\n")
	f.Add("multipart/mixed;boundary=\"b\"", "--b\r\n\r\n--b\r\nContent-Type: multipart/related;boundary=b\r\n\r\n--b--")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, kind, body string) {
		got, err := description(bodied(body, "Content-Type: "+kind))
		if err != nil && got != nil {
			t.Errorf("a body beside an error %v", err)
		}
		if !bytes.Contains([]byte(body), got) {
			t.Errorf("%q is no part of the body", got)
		}
	})
}
