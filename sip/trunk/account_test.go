package trunk

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
)

func refused(status int, headers ...sip.Header) *sip.Response {
	res := sip.NewResponse(status, "")
	for _, h := range headers {
		res.AppendHeader(h)
	}
	return res
}

// A carrier that is our own verifier takes the answers; every nonce is counted on.
func TestAccount_RFC3261_22(t *testing.T) {
	carrier, err := digest.New(digest.Config{Realm: "carrier", Algorithms: []string{digest.MD5}, Secret: []byte("0123456789abcdef0123456789abcdef")},
		func(user string) (digest.HA1, bool) {
			return digest.Password("carrier", user, "s3cret"), user == "formez"
		})
	if err != nil {
		t.Fatal(err)
	}
	a := &Account{User: "formez", Password: "s3cret", Realm: "carrier"}
	uri := sip.Uri{Scheme: "sip", User: "+390612345", Host: "192.0.2.1", Port: 5060}
	ask := carrier.Challenge(addr("192.0.2.9:1").Addr(), false)[0]
	for _, tt := range []struct {
		method sip.RequestMethod
		status int
		asks   string
		gives  string
	}{{sip.INVITE, 407, "Proxy-Authenticate", "Proxy-Authorization"}, {sip.BYE, 401, "WWW-Authenticate", "Authorization"}, {sip.REGISTER, 401, "WWW-Authenticate", "Authorization"}} {
		req := sip.NewRequest(tt.method, uri)
		foreign := sip.NewHeader(tt.asks, `Digest realm="other", nonce="x", qop="auth"`)
		h, ok := a.Answer(req, refused(tt.status, foreign, sip.NewHeader(tt.asks, ask)))
		if !ok || h.Name() != tt.gives {
			t.Fatalf("%s: %v %v", tt.method, h, ok)
		}
		asked := digest.Request{Source: addr("192.0.2.9:1").Addr(), Method: string(tt.method), URI: uri.String()}
		if p, err := carrier.VerifyAny(asked, []string{h.Value()}); err != nil || p.User != "formez" {
			t.Errorf("%s: %q %v with %s", tt.method, p.User, err, h.Value())
		}
	}
	req := sip.NewRequest(sip.INVITE, uri)
	req.AppendHeader(sip.NewHeader("Authorization", "Digest …"))
	stale := carrier.Challenge(addr("192.0.2.9:1").Addr(), true)[0]
	if _, ok := a.Answer(req, refused(401, sip.NewHeader("WWW-Authenticate", stale))); !ok {
		t.Error("a stale nonce is not replaced")
	}
	if h, ok := a.Answer(req, refused(401, sip.NewHeader("WWW-Authenticate", ask))); ok {
		t.Errorf("refused credentials are sent again: %s", h)
	}
}

// Nobody else gets a digest of the password (CVE-2021-41158).
func TestAccount_foreignRealm(t *testing.T) {
	a := &Account{User: "formez", Password: "s3cret", Realm: "carrier"}
	req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "192.0.2.66"})
	for _, challenge := range []string{`Digest realm="evil", nonce="x"`, `Digest realm="Carrier", nonce="x"`, `Digest nonce="x"`, `Basic realm="carrier"`, "", `Digest realm="carrier`} {
		for status, name := range map[int]string{401: "WWW-Authenticate", 407: "Proxy-Authenticate"} {
			if h, ok := a.Answer(req, refused(status, sip.NewHeader(name, challenge))); ok {
				t.Errorf("%s: got %s", challenge, h)
			}
		}
	}
	if h, ok := a.Answer(req, refused(401, sip.NewHeader("Proxy-Authenticate", `Digest realm="carrier", nonce="x"`))); ok {
		t.Errorf("a 401 is answered from Proxy-Authenticate: %s", h)
	}
	if _, ok := a.Answer(req, refused(401, sip.NewHeader("WWW-Authenticate", `Digest realm="carrier", nonce="x"`))); !ok {
		t.Error("old carriers without qop are served")
	}
	if h, _ := a.Answer(req, refused(401, sip.NewHeader("WWW-Authenticate", `Digest realm="carrier", nonce="x`+"\r\nEvil: 1"+`"`))); h != nil && strings.ContainsAny(h.Value(), "\r\n") {
		t.Error("a challenge gave a header line")
	}
}
