package registrar

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// Who knows one password binds nobody else, whatever he writes around it.
func TestHijack(t *testing.T) {
	for name, to := range map[string]string{
		"another user":    "1002",
		"password part":   "1002:1001",
		"escaped":         "100%32",
		"user parameter":  "1002;1001",
		"escaped newline": "1001%0d%0a",
		"empty":           "",
		"case of letters": "%31001x",
	} {
		b := newBench(t, Config{})
		b.to = to
		if res := b.register("Contact: <sip:1001@192.0.2.7>"); res.StatusCode != 403 && res.StatusCode != 400 {
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
		if b.table.Len() != 0 {
			t.Errorf("%s: something was bound", name)
		}
	}
	b := newBench(t, Config{})
	b.to = "%31001" // the same user in another spelling (RFC 3261 19.1.4)
	b.want(b.register("Contact: <sip:1001@192.0.2.7>;expires=600"), 200, "<sip:1001@192.0.2.7>;expires=600")
}

// Credentials that were made for another method or another server open nothing.
func TestCredentialsForAnother(t *testing.T) {
	for name, tc := range map[string]struct{ method, uri string }{
		"another method": {"INVITE", "sip:la2.example"},
		"another URI":    {"REGISTER", "sip:elsewhere.example"},
	} {
		b := newBench(t, Config{})
		res := b.send("Contact: <sip:1001@192.0.2.7>")
		auth, err := b.phone.Answer(tc.method, tc.uri, "", values(res, "WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		if res := b.send("Contact: <sip:1001@192.0.2.7>", "Authorization: "+auth); res.StatusCode != 401 || b.table.Len() != 0 {
			t.Errorf("%s: got %d, %d bound", name, res.StatusCode, b.table.Len())
		}
	}
}

// A contact leads nobody anywhere: requests go back to where the REGISTER came from. What is no
// URI of a telephone is refused.
func TestEvilContacts(t *testing.T) {
	for _, tc := range []struct {
		name, contact string
		status        int
	}{
		{"our own address", "<sip:1002@192.0.2.9:5060>", 200},
		{"nowhere", "<sip:1001@0.0.0.0>", 200},
		{"metadata service", "<sip:1001@169.254.169.254:80>", 200},
		{"maddr", "<sip:1001@192.0.2.7;maddr=127.0.0.1>", 200},
		{"new header", "<sip:1001@192.0.2.7\r\n ;x=y>", 400},
		{"escaped new header", "<sip:1001%0d%0aX:1@192.0.2.7>", 200}, // stays escaped
		{"not ASCII", "<sip:1001@192.0.2.7;x=\xff>", 400},
		{"too long", "<sip:1001@192.0.2.7;x=" + strings.Repeat("y", maxContact) + ">", 400},
		{"no host", "<sip:1001@>", 400},
		{"tel", "<tel:+39080>", 400},
		{"port 0", "<sip:1001@192.0.2.7:0>", 400},
		{"33 contacts", strings.Repeat("<sip:1001@192.0.2.7>,", maxContacts) + "<sip:1001@192.0.2.7>", 403},
	} {
		b := newBench(t, Config{})
		res := b.register("Contact: " + tc.contact)
		if res.StatusCode != tc.status {
			t.Errorf("%s: got %d", tc.name, res.StatusCode)
		}
		for _, got := range b.table.Lookup("1001") {
			if got.Flow != b.f || strings.ContainsAny(got.Contact, "\r\n") {
				t.Errorf("%s: got %+v", tc.name, got)
			}
		}
		if res.GetHeader("X") != nil {
			t.Errorf("%s: a header of theirs in our answer", tc.name)
		}
	}
}

// A source that is our own address is no telephone: requests to it would come back to us.
func TestOwnAddress(t *testing.T) {
	b := newBench(t, Config{})
	b.f.Local = b.f.Remote
	if res := b.register("Contact: <sip:1001@192.0.2.7>"); res.StatusCode != 403 || b.table.Len() != 0 {
		t.Errorf("got %d, %d bound", res.StatusCode, b.table.Len())
	}
}

// Unknown users and wrong passwords get one answer.
func TestOneAnswer(t *testing.T) {
	shape := func(user, password string) string {
		b := newBench(t, Config{})
		b.to, b.phone.User, b.phone.Password = user, user, password
		res := b.register("Contact: <sip:1001@192.0.2.7>")
		out := fmt.Sprint(res.StatusCode, res.Reason)
		for _, h := range res.Headers() {
			out += " " + h.Name()
		}
		if strings.Contains(values(res, "WWW-Authenticate")[0], "stale") {
			out += " stale"
		}
		return out
	}
	if known, unknown := shape("1001", "wrong"), shape("4711", "wrong"); known != unknown || !strings.HasPrefix(known, "401") {
		t.Errorf("known: %s, unknown: %s", known, unknown)
	}
}

// Without time for it a REGISTER is put off, before anything is computed; not all to one moment.
func TestNoTime(t *testing.T) {
	busy := true
	b := newBench(t, Config{Admit: func(flow.Flow) bool { return !busy }})
	times := map[string]bool{}
	for range 50 {
		res := b.send("Contact: <sip:1001@192.0.2.7>")
		if res.StatusCode != 503 || len(values(res, "WWW-Authenticate")) != 0 {
			t.Fatalf("got %d", res.StatusCode)
		}
		times[values(res, "Retry-After")[0]] = true
	}
	if len(times) < 5 || times["4"] || times["31"] {
		t.Errorf("Retry-After %v", times)
	}
	busy = false
	if res := b.register("Contact: <sip:1001@192.0.2.7>"); res.StatusCode != 200 {
		t.Errorf("got %d", res.StatusCode)
	}
}

func FuzzAnswer(f *testing.F) {
	b := newBench(&testing.T{}, Config{Domains: []string{"la2.example"}})
	f.Add([]byte(b.signed("Contact: <sip:1001@192.0.2.7>;expires=600;q=0.5")))
	f.Add([]byte(b.signed("Contact: *", "Expires: 0")))
	f.Add([]byte(b.signed(`Contact: "a" <sip:1001@192.0.2.7>;+sip.instance="<urn:uuid:1>";reg-id=1`, "Supported: path, outbound",
		"Path: <sip:edge.example;lr;ob>")))
	f.Add([]byte(b.text("Require: path, gruu", "Contact: sip:a@h , sip:b@h;expires=0")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		// Whoever may ask for anything: credentials would keep the fuzzer out.
		b := newBench(t, Config{Certified: certifyAll})
		var m, res wire.Message
		if m.Parse(raw) != nil || m.Method() != wire.Register {
			return
		}
		out := b.reg.Answer(nil, b.f, &m)
		if err := res.Parse(out); err != nil {
			t.Fatalf("%v\n%q\nto %q", err, out, raw)
		}
		if len(res.Raw()) != len(out) || res.Status() < 200 || string(res.CallID()) != string(m.CallID()) || len(res.ToTag()) == 0 {
			t.Fatalf("%q\nto %q", out, raw)
		}
		for aor, list := range b.table.All {
			if res.Status() != 200 || len(list) > 3 || aor == "" {
				t.Fatalf("%q has %d bindings after %d", aor, len(list), res.Status())
			}
			if res.Count("Contact") != len(list) {
				t.Fatalf("200 lists %d of %d", res.Count("Contact"), len(list))
			}
			checkBindings(t, b, list)
		}
	})
}

func checkBindings(t *testing.T, b *bench, list []location.Binding) {
	for _, x := range list {
		var uri sip.Uri
		if _, ok := wire.ParseURI([]byte(x.Contact)); !ok || sip.ParseUri(x.Contact, &uri) != nil && !strings.ContainsAny(x.Contact, "%;?:") {
			t.Fatalf("contact %q", x.Contact)
		}
		if x.Flow != b.f || strings.ContainsAny(x.Contact+x.Path+x.Instance+x.UserAgent, "\r\n\x00") {
			t.Fatalf("got %+v", x)
		}
	}
}
