package registrar

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// A bench is a registrar with a phone of user 1001 in front of it.
type bench struct {
	t     *testing.T
	now   time.Time
	table *location.Table
	reg   *Registrar
	phone digest.Client
	f     flow.Flow
	cseq  int
	via   string // below the phone's own
	uri   string // Request-URI
	to    string // user of To
	id    string // Call-ID
}

func newBench(t *testing.T, cfg Config) *bench {
	b := &bench{t: t, now: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC), uri: "sip:la2.example", to: "1001", id: "c1"}
	b.f = flow.Flow{Transport: flow.UDP, Remote: netip.MustParseAddrPort("192.0.2.7:5060")}
	b.phone = digest.Client{User: "1001", Password: "demo-1001"}
	clock := func() time.Time { return b.now }
	b.table = location.NewTable(location.Config{MaxBindings: 3, Now: clock})
	v, err := digest.New(digest.Config{Realm: "la2", Now: clock}, func(u string) (digest.HA1, bool) {
		return digest.Password("la2", u, "demo-"+u), u == "1001" || u == "1002"
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Now = clock
	if b.reg, err = New(cfg, b.table, v); err != nil {
		t.Fatal(err)
	}
	return b
}

// text is the next REGISTER with those header lines.
func (b *bench) text(headers ...string) string {
	return fmt.Sprintf("REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%d%s\r\nFrom: <sip:%s@la2.example>;tag=f\r\n"+
		"To: <sip:%s@la2.example>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\nMax-Forwards: 70\r\n%s\r\nContent-Length: 0\r\n\r\n",
		b.uri, b.cseq, b.via, b.to, b.to, b.id, b.cseq, strings.Join(append([]string{"X-Test: 1"}, headers...), "\r\n"))
}

// send sends one REGISTER with those header lines.
func (b *bench) send(headers ...string) *sip.Response {
	b.t.Helper()
	b.cseq++
	return b.raw(b.text(headers...))
}

// raw gives those bytes to the registrar.
func (b *bench) raw(raw string) *sip.Response {
	b.t.Helper()
	var m wire.Message
	if err := m.Parse([]byte(raw)); err != nil {
		b.t.Fatalf("%v\n%s", err, raw)
	}
	answer := b.reg.Answer(nil, b.f, &m)
	res, err := sip.ParseMessage(answer)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, answer)
	}
	return res.(*sip.Response)
}

// register sends a REGISTER and answers the challenge.
func (b *bench) register(headers ...string) *sip.Response {
	b.t.Helper()
	res := b.send(headers...)
	if res.StatusCode != 401 {
		return res
	}
	auth, err := b.phone.Answer("REGISTER", b.uri, "", values(res, "WWW-Authenticate"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(append(headers, "Authorization: "+auth)...)
}

func values(res *sip.Response, name string) []string {
	var out []string
	for _, h := range res.GetHeaders(name) {
		out = append(out, h.Value())
	}
	return out
}

func (b *bench) want(res *sip.Response, status int, contacts ...string) {
	b.t.Helper()
	if res.StatusCode != status {
		b.t.Fatalf("got %d %s, want %d", res.StatusCode, res.Reason, status)
	}
	if got := values(res, "Contact"); !reflect.DeepEqual(got, contacts) {
		b.t.Errorf("got contacts %q, want %q", got, contacts)
	}
}

func TestRegister_RFC3261_10_3(t *testing.T) {
	b := newBench(t, Config{Domains: []string{"LA2.example"}})
	b.want(b.register("Contact: <sip:1001@192.0.2.7:5060;ob>;expires=600"), 200, "<sip:1001@192.0.2.7:5060;ob>;expires=600")
	got := b.table.Lookup("1001")[0]
	if got.Flow != b.f || got.NAT || !got.Expires.Equal(b.now.Add(10*time.Minute)) || got.CallID != "c1" || got.Q != 1000 {
		t.Errorf("got %+v", got)
	}
	b.now = b.now.Add(100 * time.Second)
	b.want(b.register(), 200, "<sip:1001@192.0.2.7:5060;ob>;expires=500")
	b.id = "c2"
	b.want(b.register("Contact: sip:1001@192.0.2.8;q=0.5, <sip:1001@192.0.2.9>;expires=99999999999999999999", "Expires: 120"), 200,
		"<sip:1001@192.0.2.9>;expires=7200", "<sip:1001@192.0.2.7:5060;ob>;expires=500", "<sip:1001@192.0.2.8>;expires=120;q=0.5")
	b.want(b.register("Contact: <sip:1001@192.0.2.8>;expires=0, <sip:1001@192.0.2.9>;expires=0"), 200, "<sip:1001@192.0.2.7:5060;ob>;expires=500")
	b.want(b.register("Contact: *", "Expires: 0"), 200)
	if b.table.Len() != 0 {
		t.Error("bindings left")
	}
	if s := b.reg.Stats(); s.Accepted != 5 || s.Challenged != 5 || s.Denied != 0 || s.Refused != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestRegister_refused(t *testing.T) {
	const contact = "Contact: <sip:1001@192.0.2.7>"
	tests := []struct {
		name    string
		prepare func(b *bench)
		headers []string
		status  int
		header  string // one that must be there
	}{
		{"wrong password", func(b *bench) { b.phone.Password = "x" }, []string{contact}, 401, "WWW-Authenticate"},
		{"unknown user", func(b *bench) { b.phone.User, b.to = "9", "9" }, []string{contact}, 401, "WWW-Authenticate"},
		{"own credentials on another AOR", func(b *bench) { b.to = "1002" }, []string{contact}, 403, ""},
		{"other domain", func(b *bench) { b.uri = "sip:elsewhere.example" }, []string{contact}, 404, ""},
		{"too short", nil, []string{contact + ";expires=59"}, 423, "Min-Expires"},
		{"star with another", nil, []string{contact, "Contact: *", "Expires: 0"}, 400, ""},
		{"star without Expires", nil, []string{"Contact: *"}, 400, ""},
		{"star with Expires", nil, []string{"Contact: *", "Expires: 10"}, 400, ""},
		{"contact that is no SIP", nil, []string{"Contact: <mailto:a@b>"}, 400, ""},
		{"unsupported extension", nil, []string{contact, "Require: path, gruu, outbound"}, 420, "Unsupported"},
		{"too many", nil, []string{contact, "Contact: <sip:a@h1>", "Contact: <sip:a@h2>", "Contact: <sip:a@h3>"}, 403, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, Config{Domains: []string{"la2.example"}})
			if tc.prepare != nil {
				tc.prepare(b)
			}
			res := b.register(tc.headers...)
			if res.StatusCode != tc.status {
				t.Errorf("got %d %s, want %d", res.StatusCode, res.Reason, tc.status)
			}
			if tc.header != "" && res.GetHeader(tc.header) == nil {
				t.Errorf("no %s", tc.header)
			}
			if b.table.Len() != 0 {
				t.Error("something was bound")
			}
		})
	}
}

// A REGISTER overtaken by a later one changes nothing (10.3 step 7).
func TestRegister_staleCSeq(t *testing.T) {
	b := newBench(t, Config{})
	b.cseq = 10
	b.want(b.register("Contact: <sip:1001@192.0.2.7>;expires=600"), 200, "<sip:1001@192.0.2.7>;expires=600")
	b.cseq = 5
	if res := b.register("Contact: <sip:1001@192.0.2.7>;expires=0"); res.StatusCode != 500 {
		t.Errorf("got %d", res.StatusCode)
	}
	b.cseq = 5
	if res := b.register("Contact: *", "Expires: 0"); res.StatusCode != 500 {
		t.Errorf("star: got %d", res.StatusCode)
	}
	if b.table.Len() != 1 {
		t.Error("binding lost")
	}
}

// An expired nonce is stale: the phone tries again without asking its user.
func TestRegister_stale(t *testing.T) {
	b := newBench(t, Config{})
	b.register("Contact: <sip:1001@192.0.2.7>")
	b.now = b.now.Add(time.Hour)
	auth, _ := b.phone.Again("REGISTER", b.uri)
	res := b.send("Contact: <sip:1001@192.0.2.7>", "Authorization: "+auth)
	if res.StatusCode != 401 || !strings.Contains(values(res, "WWW-Authenticate")[0], "stale=true") {
		t.Errorf("got %s", res)
	}
	again, err := b.phone.Answer("REGISTER", b.uri, auth, values(res, "WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	if res := b.send("Contact: <sip:1001@192.0.2.7>", "Authorization: "+again); res.StatusCode != 200 {
		t.Errorf("got %d", res.StatusCode)
	}
}

func TestRegister_NAT(t *testing.T) {
	tests := []struct {
		contact, remote string
		transport       flow.Transport
		want            bool
	}{
		{"sip:1001@192.0.2.7", "192.0.2.7:5060", flow.UDP, false},
		{"sip:1001@192.0.2.7:5060", "192.0.2.7:1024", flow.UDP, true},
		{"sip:1001@10.0.0.7:5060", "192.0.2.7:5060", flow.UDP, true},
		{"sip:1001@phone.example", "192.0.2.7:5060", flow.UDP, true},
		{"sip:1001@192.0.2.7:5060;transport=tcp", "192.0.2.7:40000", flow.TCP, false},
		{"sip:1001@df7jal23ls0d.invalid;transport=ws", "192.0.2.7:40000", flow.WSS, true},
		{"sip:1001@[2001:db8::7]:5060", "[2001:db8::7]:5060", flow.UDP, false},
	}
	for _, tc := range tests {
		b := newBench(t, Config{})
		b.f = flow.Flow{Transport: tc.transport, Remote: netip.MustParseAddrPort(tc.remote)}
		if res := b.register("Contact: <"+tc.contact+`>;+sip.instance="<urn:uuid:1>";reg-id=2`, "Supported: outbound"); res.StatusCode != 200 {
			t.Fatalf("%s: got %d", tc.contact, res.StatusCode)
		}
		got := b.table.Lookup("1001")[0]
		if got.NAT != tc.want || got.Contact != tc.contact || got.Instance != "<urn:uuid:1>" || got.RegID != 2 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestNew_contradiction(t *testing.T) {
	if _, err := New(Config{MinExpires: 3 * time.Hour}, nil, nil); err == nil {
		t.Error("accepted")
	}
}

func TestInterval(t *testing.T) {
	b := newBench(t, Config{})
	for headers, want := range map[string]string{
		"Contact: <sip:1001@h>":                           "3600",
		"Contact: <sip:1001@h>\r\nExpires: 300":           "300",
		"Contact: <sip:1001@h>;Expires=400\r\nExpires: 5": "400",
		"Contact: <sip:1001@h>;expires=abc":               "3600",
		"Contact: <sip:1001@h>\r\nExpires: -4":            "3600",
		"Contact: <sip:1001@h>;expires=100000":            "7200",
	} {
		b.want(b.register(headers), 200, "<sip:1001@h>;expires="+want)
	}
}
