package configs

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestDemoAndBenchLoad(t *testing.T) {
	for _, f := range []string{"demo/formezpa.yaml", "demo/c_b180.yaml", "demo/cmna.yaml", "bench.yaml"} {
		if _, err := Load(f); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// The reference file shows exactly the defaults and names every key.
func TestReferenceConfig(t *testing.T) {
	raw := strings.NewReplacer(`ipa: ""`, "ipa: x", `name: ""`, "name: x", "listen: []", "listen: [udp:127.0.0.1:5060]",
		"listen: \"\"", "listen: 127.0.0.1:80", "address: \"\"", "address: 127.0.0.1").Replace(string(Reference))
	got, err := Parse("reference.yaml", []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.source = got.source
	want.Site, want.SIP.Listen, want.Media.Address, want.HTTP.Listen = got.Site, got.SIP.Listen, got.Media.Address, got.HTTP.Listen
	for _, c := range []*Config{got, want} { // an empty list is no list
		c.SIP.Domains, c.Accounts, c.Users, c.Queues, c.Calendars, c.Menus, c.Services, c.Trunks, c.Routes = nil, nil, nil, nil, nil, nil, nil, nil, nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("reference.yaml decodes to\n%+v\nwant the defaults\n%+v", got, want)
	}
	text := string(Reference)
	var walk func(t reflect.Type)
	walk = func(rt reflect.Type) {
		for i := range rt.NumField() {
			f := rt.Field(i)
			if !f.IsExported() {
				continue
			}
			if key := f.Tag.Get("yaml"); !strings.Contains(text, key+":") {
				t.Errorf("reference.yaml does not name %s (%s)", key, rt.Name())
			}
			ft := f.Type
			for ft.Kind() == reflect.Slice {
				ft = ft.Elem()
			}
			if ft.Kind() == reflect.Struct && ft.PkgPath() == rt.PkgPath() && ft.NumField() > 0 && ft.Field(0).Tag != "" {
				walk(ft)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}

func TestBadFiles(t *testing.T) {
	good, err := os.ReadFile("demo/formezpa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"unknown key", "realm: la2", "relm: la2", "sip.relm: unknown key; allowed here: digest, direct_calls, domains"},
		{"bad port range", "20000-23999", "20000", "media.ports: want MIN-MAX"},
		{"bad duration", "wrap_up: 30s", "wrap_up: 30", `queues[0].wrap_up: "30" is no duration`},
		{"duration out of range", "wrap_up: 30s", "wrap_up: 30h", "queues[0].wrap_up: 30h0m0s is not allowed; allowed: 1s to 10m0s"},
		{"unknown queue", "queue: urp", "queue: nessuna", `no queue "nessuna"; there are: urp`},
		{"not one of", "digest: md5", "digest: md4", `sip.digest: "md4" is not allowed; allowed: md5, sha-256, both`},
		{"same number twice", `"+3906828881"]`, `"803001"]`, "803001 already reaches service linea-amica"},
		{"transport", "udp:127.0.0.1:5060,", "sctp:127.0.0.1:5060,", "sip.listen[0]: want udp:IP:PORT"},
		{"port", "udp:127.0.0.1:5060,", "tls:127.0.0.1:0,", "sip.listen[0]: want tls:IP:PORT, with a literal IP address"},
		{"a certificate is missing", "udp:127.0.0.1:5060,", "tls:127.0.0.1:5061,", "sip.tls.certificate: is required for tls and wss listeners"},
		{"all addresses", "udp:127.0.0.1:5060,", "udp:0.0.0.0:5060,", "sip.listen[0]: listens at all addresses and knows none to tell"},
		{"advertised name", "udp:127.0.0.1:5060,", "udp:0.0.0.0:5060 as office.example:5060,", "sip.listen[0]: want as IP:PORT"},
		{"one place twice", "udp:127.0.0.1:5060,", "tcp:127.0.0.1:5060 as 192.0.2.1:5060,", "sip.listen[1]: tcp:127.0.0.1:5060 stands here twice"},
		{"media outside", "  ports: 20000-23999", "  ports: 20000-23999\n  advertise: office.example", "media.advertise: want the literal IP address outside the NAT"},
		{"origin", "realm: la2", "websocket: {origins: [\"*\"]}", "sip.websocket.origins[0]: \"*\" does not match"},
		{"key without certificate", "realm: la2", "tls: {key: a.pem}", "sip.tls.key: certificate and key go together"},
		{"client certificates", "realm: la2", "tls: {clients: required}", "sip.tls.client_ca: is required"},
		{"trunk over WebSocket", "address: udp:127.0.0.1:5160", "address: ws:127.0.0.1:5160", "trunks[0].address: want udp:IP:PORT, tcp:IP:PORT or tls:IP:PORT of the peer"},
		{"hours", "09:00-18:00", "18:00-09:00", `calendars[1].week.mon-fri: "18:00-09:00" is no span of hours`},
		{"syntax", "site:", "site: [", "configs_test.yaml:"},
		{"empty key", "realm: la2", `"": la2`, "sip.: unknown key; allowed here: digest, direct_calls, domains"},
		{"no such day", "holidays: italy", `closed_days: ["13-45"]`, `calendars[1].closed_days[0]: "13-45" is no day`},
		{"endless pool", "queues:\n", "pools: {static_agents: {prefix: a, last: 99999999, contact: sip:a@x, queue: urp}}\nqueues:\n", "pools.static_agents.last: 0 to 99999999 is not allowed"},
		{"pool contact", "queues:\n", "pools: {static_agents: {prefix: a, last: 9, contact: sip:a@x, queue: urp}}\nqueues:\n", "pools.static_agents.contact: want a SIP URI with %s"},
		{"cli that may not be shown", "transfer: \"+390831000111\"", "transfer: \"+390831000111\"\n    cli: \"803001\"", "trunks[0].cli: want a geographic number"},
		{"expiry out of order", "realm: la2", "registrar: {default_expires: 3h}", "sip.registrar.default_expires: 3h0m0s is not allowed; allowed: 1m0s to 2h0m0s"},
		{"no grace", "realm: la2", "registrar: {grace: 0s}", "sip.registrar.grace: 0s is not allowed"},
		{"too many contacts", "password: demo-1001", "max_bindings: 101, password: demo-1001", "accounts[0].max_bindings: 101"},
		{"neither password nor certificate", "password: demo-1001, ", "", "accounts[0].password: want at least 8 characters"},
		{"quoted realm", "realm: la2", `realm: 'a"b'`, "sip.realm: "},
		{"domain", "domains: [localhost", `domains: ["a b"`, "sip.domains[0]: "},
		{"network", "realm: la2", "shield: {exempt: [192.0.2.7]}", "sip.shield.exempt[0]: want a network such as 192.0.2.0/24, or one address as 192.0.2.7/32"},
		{"network of the other family", "realm: la2", `shield: {exempt: ["::ffff:192.0.2.0/120"]}`, "sip.shield.exempt[0]: want a network"},
		{"list of no listener", "realm: la2", "shield: {access: [{listen: \"udp:192.0.2.1:5060\", allow: [10.0.0.0/8]}]}", "sip.shield.access[0].listen: 192.0.2.1:5060 is no listener"},
		{"certificate that nobody asks for", "password: demo-1001", "certificate: a.example, password: demo-1001", "accounts[0].certificate: wants sip.tls.client_ca"},
		{"all the world is a trunk", "transfer: \"+390831000111\"", "transfer: \"+390831000111\"\n    sources: [0.0.0.0/0]", "trunks[0].sources[0]: everybody would be this trunk"},
		{"trunk at no address", "address: udp:127.0.0.1:5160", "address: udp:0.0.0.0:5160", "trunks[0].address: want udp:IP:PORT"},
		{"domain of a trunk", "transfer: \"+390831000111\"", "transfer: \"+390831000111\"\n    domain: \"a>\\r\\nb\"", "trunks[0].domain: "},
		{"realm of a trunk", "transfer: \"+390831000111\"", "transfer: \"+390831000111\"\n    account: {user: a, password: x, realm: \"a\\r\\nb\"}", "trunks[0].account.realm: "},
		{"priority", "transfer: \"+390831000111\"", "transfer: \"+390831000111\"\n    priority: -1", "trunks[0].priority: -1 is not allowed; allowed: 0 to 65535"},
		{"route to 112", "queues:\n", "routes: [{user: \"112\", contact: \"sip:a@127.0.0.1\", mode: b2bua}]\nqueues:\n", "routes[0].user: 112 is an emergency number"},
		{"quotes in the location", "queues:\n", "emergency: {location: 'via \"Roma\"'}\nqueues:\n", "emergency.location: want one line"},
		{"type", "realm: la2", "realm: [a]", "sip.realm: want a single value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := strings.Replace(string(good), tt.old, tt.new, 1)
			_, err := Parse("configs_test.yaml", []byte(raw))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v\nwant …%s…", err, tt.want)
			}
			var f *Fault
			if !errors.As(err, &f) || f.Line == 0 || f.Column == 0 {
				t.Errorf("no position in %v", err)
			}
		})
	}
}

// An account may have a certificate for its password.
func TestCertificateAlone(t *testing.T) {
	good, err := os.ReadFile("demo/formezpa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	raw := strings.NewReplacer("password: demo-1001, ", "certificate: tel-1001.example, max_bindings: 2, ", "realm: la2", "tls: {client_ca: ca.pem}").Replace(string(good))
	cfg, err := Parse("configs_test.yaml", []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range cfg.Accounts {
		if a.User == "1001" && (a.Password != "" || a.Certificate != "tel-1001.example" || a.MaxBindings != 2) {
			t.Errorf("got %+v", a)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	if got := Secret("demo-1001").String(); got != "***" {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("site: {ipa: x, name: y}\n"))
	f.Add([]byte("queues:\n  - name: urp\n    overflow: {after: 1s}\n"))
	f.Add(Reference)
	f.Fuzz(func(t *testing.T, raw []byte) {
		cfg, err := Parse("f", raw)
		if (cfg == nil) == (err == nil) {
			t.Fatalf("cfg %v err %v", cfg, err)
		}
	})
}
