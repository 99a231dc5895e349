package digest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	home  = netip.MustParseAddr("192.0.2.7")
	other = netip.MustParseAddr("192.0.2.8")
)

const reqURI = "sip:la2.example"

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newVerifier(t *testing.T, cfg Config) (*Verifier, *clock) {
	t.Helper()
	c := &clock{time.Unix(1_770_000_000, 0)}
	cfg.Realm, cfg.Now = "la2", c.now
	ha1 := Password("la2", "1001", "demo-1001")
	v, err := New(cfg, func(user string) (HA1, bool) { return ha1, user == "1001" })
	if err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Second)
	return v, c
}

// answer is what a phone with that user and password sends to a challenge.
func answer(t *testing.T, user, password, method, uri string, challenges []string) string {
	t.Helper()
	c := Client{User: user, Password: password}
	a, err := c.Answer(method, uri, "", challenges)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVerify(t *testing.T) {
	for _, word := range []string{"md5", "sha-256", "both"} {
		t.Run(word, func(t *testing.T) {
			v, _ := newVerifier(t, Config{Algorithms: Algorithms(word)})
			tests := []struct {
				name           string
				user, password string
				method, uri    string // signed; the request is REGISTER reqURI
				want           error
			}{
				{"right", "1001", "demo-1001", "REGISTER", reqURI, nil},
				{"URI with port and parameters", "1001", "demo-1001", "REGISTER", reqURI + ":5060;transport=udp", nil},
				{"wrong password", "1001", "demo-1002", "REGISTER", reqURI, ErrDenied},
				{"unknown user", "9999", "demo-1001", "REGISTER", reqURI, ErrDenied},
				{"other method", "1001", "demo-1001", "INVITE", reqURI, ErrDenied},
				{"other URI", "1001", "demo-1001", "REGISTER", "sip:803001@la2.example", ErrDenied},
				{"user of other case", "1001 ", "demo-1001", "REGISTER", reqURI, ErrDenied},
			}
			for _, tc := range tests {
				auth := answer(t, tc.user, tc.password, tc.method, tc.uri, v.Challenge(home, false))
				proof, err := v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, auth)
				if !errors.Is(err, tc.want) {
					t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
				}
				if err == nil && proof.User != tc.user {
					t.Errorf("%s: user %q", tc.name, proof.User)
				}
			}
		})
	}
}

func TestChallenge_RFC8760_2_4(t *testing.T) {
	v, _ := newVerifier(t, Config{Algorithms: Algorithms("both")})
	got := v.Challenge(home, true)
	if len(got) != 2 || !strings.Contains(got[0], "algorithm=SHA-256") || !strings.Contains(got[1], "algorithm=MD5") {
		t.Fatalf("got %q", got)
	}
	for _, s := range got {
		if !strings.Contains(s, "stale=true") || !strings.Contains(s, `qop="auth"`) {
			t.Errorf("got %q", s)
		}
	}
	if s := v.Challenge(home, false)[0]; strings.Contains(s, "stale") {
		t.Errorf("got %q", s)
	}
	// A phone that only knows MD5 may answer the second.
	if _, err := v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, answer(t, "1001", "demo-1001", "REGISTER", reqURI, got[1:])); err != nil {
		t.Error(err)
	}
}

// A nonce that is forged, from another process or given to another network is stale,
// and nothing else is looked at. One that is too old is stale for who knows the
// password, and says nothing to who does not.
func TestVerify_stale(t *testing.T) {
	v, c := newVerifier(t, Config{NonceLife: time.Minute})
	stranger, _ := newVerifier(t, Config{})
	far := netip.MustParseAddr("203.0.113.1")
	chal := v.Challenge(home, false)
	check := func(name string, src netip.Addr, chal []string, password string, want error) {
		t.Helper()
		if _, err := v.Verify(Request{Source: src, Method: "REGISTER", URI: reqURI}, answer(t, "1001", password, "REGISTER", reqURI, chal)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	forged := []string{`Digest realm="la2", nonce="abc", algorithm=MD5, qop="auth"`}
	check("forged nonce", home, forged, "demo-1001", ErrStale)
	check("forged nonce, wrong password", home, forged, "x", ErrStale)
	check("nonce of another secret", home, stranger.Challenge(home, false), "demo-1001", ErrStale)
	check("nonce given to another network", far, chal, "demo-1001", ErrStale)
	check("nonce given to another network, wrong password", far, chal, "x", ErrStale)
	check("nonce of another address of the network", home.Next(), chal, "demo-1001", nil)
	chal = v.Challenge(home, false)
	check("fresh", home, chal, "demo-1001", nil)
	c.t = c.t.Add(61 * time.Second)
	check("too old", home, chal, "demo-1001", ErrStale)
	check("too old, wrong password", home, chal, "x", ErrDenied)
}

func TestVerify_replay(t *testing.T) {
	v, _ := newVerifier(t, Config{})
	phone := Client{User: "1001", Password: "demo-1001"}
	first, err := phone.Answer("REGISTER", reqURI, "", v.Challenge(home, false))
	if err != nil {
		t.Fatal(err)
	}
	second, _ := phone.Again("REGISTER", reqURI)
	third, _ := phone.Again("REGISTER", reqURI)
	for i, step := range []struct {
		auth string
		want error
	}{{first, nil}, {first, ErrStale}, {third, nil}, {second, nil}, {second, ErrStale}, {third, ErrStale}} {
		if _, err := v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, step.auth); !errors.Is(err, step.want) {
			t.Errorf("step %d: got %v, want %v", i, err, step.want)
		}
	}
}

// A request that is sent again, because its answer was lost, is verified again; no other
// request may use its nonce count, and it itself no longer once another count came.
func TestVerify_again(t *testing.T) {
	v, _ := newVerifier(t, Config{})
	phone := Client{User: "1001", Password: "demo-1001"}
	first, err := phone.Answer("REGISTER", reqURI, "", v.Challenge(home, false))
	if err != nil {
		t.Fatal(err)
	}
	second, _ := phone.Again("REGISTER", reqURI)
	for i, step := range []struct {
		auth  string
		print uint64
		want  error
		again bool
	}{
		{first, 7, nil, false}, {first, 7, nil, true}, {first, 8, ErrStale, false}, {first, 0, ErrStale, false}, {first, 7, nil, true},
		{second, 9, nil, false}, {first, 7, ErrStale, false}, {second, 9, nil, true},
	} {
		p, err := v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI, Print: step.print}, step.auth)
		if !errors.Is(err, step.want) || p.Again != step.again {
			t.Errorf("step %d: got %+v, %v", i, p, err)
		}
	}
}

// What the bounded table forgets is refused, not accepted again.
func TestReplay_forgotten(t *testing.T) {
	v, c := newVerifier(t, Config{Replay: 4})
	var auths []string
	for range 10 {
		c.t = c.t.Add(10 * time.Millisecond)
		auths = append(auths, answer(t, "1001", "demo-1001", "REGISTER", reqURI, v.Challenge(home, false)))
	}
	for round, want := range []error{nil, ErrStale} {
		for i, a := range auths {
			if _, err := v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, a); !errors.Is(err, want) {
				t.Errorf("round %d, %d: got %v, want %v", round, i, err, want)
			}
		}
	}
	if n := len(v.replay.table); n != 4 || len(v.replay.seen) != 4 {
		t.Errorf("table holds %d", n)
	}
}

func TestUsed_window(t *testing.T) {
	u := &used{top: 1, bits: 1}
	for _, s := range []struct {
		nc   uint32
		want verdict
	}{{1, stale}, {2, fresh}, {70, fresh}, {6, stale}, {7, fresh}, {7, stale}, {70, stale}, {500, fresh}, {70, stale}, {499, fresh}} {
		if got := u.accept(s.nc, 0); got != s.want {
			t.Errorf("nc %d: got %v, want %v", s.nc, got, s.want)
		}
	}
}

// manyParams are parameters that nobody knows, each with a name of its own.
func manyParams() string {
	var b strings.Builder
	for i := range maxParams {
		fmt.Fprintf(&b, ", p%d=1", i)
	}
	return b.String()
}

func TestVerify_malformed(t *testing.T) {
	v, _ := newVerifier(t, Config{})
	good := answer(t, "1001", "demo-1001", "REGISTER", reqURI, v.Challenge(home, false))
	for name, tc := range map[string]struct {
		auth string
		want error
	}{
		"empty":       {"", ErrMissing},
		"other realm": {strings.Replace(good, `realm="la2"`, `realm="x"`, 1), ErrMissing},
		"basic":       {"Basic MTAwMTpkZW1v", ErrDenied},
		"twice":       {good + `, username="1001"`, ErrDenied},
		"no qop":      {strings.Replace(good, "qop=auth", "x=auth", 1), ErrDenied},
		"nc zero":     {strings.Replace(good, "nc=00000001", "nc=00000000", 1), ErrDenied},
		"md4":         {strings.Replace(good, "algorithm=MD5", "algorithm=MD4", 1), ErrDenied},
		"sess":        {strings.Replace(good, "algorithm=MD5", "algorithm=MD5-sess", 1), ErrDenied},
		"sha":         {strings.Replace(good, "algorithm=MD5", "algorithm=SHA-256", 1), ErrDenied},
		"unclosed":    {good[:len(good)-1], ErrDenied},
		"25 params":   {good + manyParams(), ErrDenied},
		"control":     {strings.Replace(good, "la2", "la\x002", 1), ErrDenied},
	} {
		if _, err := v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, tc.auth); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	if _, err := v.VerifyAny(Request{Source: home, Method: "REGISTER", URI: reqURI}, []string{strings.Replace(good, `"la2"`, `"x"`, 1), good}); err != nil {
		t.Errorf("second of two headers: %v", err)
	}
	if _, err := v.VerifyAny(Request{Source: home, Method: "REGISTER", URI: reqURI}, nil); !errors.Is(err, ErrMissing) {
		t.Errorf("no header: %v", err)
	}
}

// The example of RFC 7616 3.9.1, with the method and URI of HTTP.
func TestResponse_RFC7616_3_9_1(t *testing.T) {
	for alg, want := range map[string]string{
		MD5:    "8ca523f5e9506fed4657c9700eebdbec",
		SHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		c := Credentials{
			URI: "/dir/index.html", Nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", NC: "00000001",
			CNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", QOP: "auth",
		}
		ha1 := Password("http-auth@example.org", "Mufasa", "Circle of Life").of(alg)
		if got := string(appendResponse(nil, alg, ha1, "GET", &c)); got != want {
			t.Errorf("%s: got %s, want %s", alg, got, want)
		}
	}
}

func TestSameURI(t *testing.T) {
	for _, tc := range []struct {
		digest, request string
		want            bool
	}{
		{"sip:a@h", "sip:a@h", true},
		{"sips:a@H:5061", "sip:a@h;transport=tls", true},
		{"sip:a@h:5060", "sip:a@h:5062", false},
		{"sip:A@h", "sip:a@h", false},
		{"sip:a;npdi@h", "sip:a@h?x=y", true},
		{"sip:a@[2001:DB8::1]:5060", "sip:a@[2001:db8::1]", true},
		{"sip:h", "sip:a@h", false},
		{"tel:+39;x=y", "tel:+39", true},
		{"tel:+39", "sip:+39", false},
		{"a@h", "a@h", false},
		{"", "", false},
		{"sip:", "sip:", false},
	} {
		if got := sameURI(tc.digest, tc.request, false); got != tc.want {
			t.Errorf("%s, %s: got %v", tc.digest, tc.request, got)
		}
	}
	if !sameURI("sip:h:5060", "sip:803001@h:5060", true) || sameURI("sip:b@h", "sip:a@h", true) {
		t.Error("any user")
	}
}

func TestNew_faults(t *testing.T) {
	_, err := New(Config{Algorithms: []string{"MD4"}, Secret: []byte("short"), NonceLife: time.Second}, nil)
	for _, want := range []string{"realm", "MD4", "5 bytes", "1s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if Algorithms("md4") != nil {
		t.Error("md4")
	}
}

func TestClient(t *testing.T) {
	v, _ := newVerifier(t, Config{})
	c := Client{User: "1001", Password: "wrong"}
	if _, ok := c.Again("REGISTER", reqURI); ok {
		t.Error("Again before a challenge")
	}
	sent, err := c.Answer("REGISTER", reqURI, "", v.Challenge(home, false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Answer("REGISTER", reqURI, sent, v.Challenge(home, false)); !errors.Is(err, ErrDenied) {
		t.Errorf("refused again: got %v", err)
	}
	if _, err := c.Answer("REGISTER", reqURI, sent, v.Challenge(home, true)); err != nil {
		t.Errorf("stale: got %v", err)
	}
	if _, err := c.Answer("REGISTER", reqURI, "", []string{"Basic realm=x", `Digest realm="x", nonce="y", algorithm=FOO`}); !errors.Is(err, ErrUnanswerable) {
		t.Errorf("nothing to answer: got %v", err)
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add(`Digest username="1001", realm="la2", nonce="n", uri="sip:x", response="00", algorithm=MD5, cnonce="c", qop=auth, nc=00000001`)
	f.Add(`digest   Username = "a\"b\\c" ,, uri="sip:x;y=z"`)
	f.Add(`Digest username="`)
	f.Add(`Digest a="b" c=d`)
	f.Add("Digest\tnc=1,nc=2")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCredentials(s)
		if err != nil {
			return
		}
		again, err := ParseCredentials(c.String())
		if err != nil && len(c.String()) <= maxHeader {
			t.Fatalf("%q printed as %q: %v", s, c.String(), err)
		}
		if err == nil && again != c {
			t.Fatalf("%q: got %+v, want %+v", s, again, c)
		}
		sameURI(c.URI, s, true)
	})
}

func Example() {
	accounts := map[string]string{"1001": "demo-1001"}
	v, err := New(Config{Realm: "la2"}, func(user string) (HA1, bool) {
		password, ok := accounts[user]
		return Password("la2", user, password), ok
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	src := netip.MustParseAddr("192.0.2.7")
	phone := Client{User: "1001", Password: "demo-1001"}
	auth, _ := phone.Answer("REGISTER", "sip:la2.example", "", v.Challenge(src, false))
	fmt.Println(v.Verify(Request{Source: src, Method: "REGISTER", URI: "sip:la2.example"}, auth))
	fmt.Println(v.Verify(Request{Source: src, Method: "REGISTER", URI: "sip:la2.example"}, auth))
	// Output:
	// {1001 false} <nil>
	// { false} digest: nonce is stale
}

// The table agrees with a plain list of what was used last, whatever the order.
func TestReplay_model(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := time.UnixMilli(1000)
		r := newReplay(3, start)
		var order []nonceID // the latest last
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			var id nonceID
			binary.BigEndian.PutUint64(id[:], 1001+rapid.Uint64Range(0, 5).Draw(rt, "nonce"))
			known := slices.Contains(order, id)
			if got := r.accept(id, 1, 0); got == fresh && known || got == again {
				rt.Fatalf("nonce %v used twice", id.time())
			} else if got == stale && !known {
				continue // as old as one that was thrown out
			}
			order = append(slices.DeleteFunc(order, func(o nonceID) bool { return o == id }), id)
			order = order[max(0, len(order)-3):]
			if len(r.seen) != len(order) || len(r.table) > 3 {
				rt.Fatalf("holds %d of %d", len(r.seen), len(order))
			}
			i := r.ends.newest
			for k := len(order) - 1; k >= 0; k-- {
				if r.table[i].id != order[k] {
					rt.Fatalf("order: got %v at %d, want %v", r.table[i].id.time(), k, order[k].time())
				}
				i = r.table[i].older
			}
			if i != -1 {
				rt.Fatal("more behind the oldest")
			}
		}
	})
}

// A flood of credentials leaves hardly any garbage but their text. The bounds leave room for the
// race detector, under which a pool forgets now and then.
func TestVerify_allocations(t *testing.T) {
	v, c := newVerifier(t, Config{Replay: 16})
	phone := Client{User: "1001", Password: "demo-1001"}
	first, err := phone.Answer("REGISTER", reqURI, "", v.Challenge(home, false))
	if err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Second)
	r := Request{Source: home, Method: "REGISTER", URI: reqURI, Print: 1}
	if n := testing.AllocsPerRun(100, func() { _, err = v.Verify(r, first) }); n > 4 || err != nil {
		t.Errorf("right: %v allocations, %v", n, err)
	}
	if n := testing.AllocsPerRun(100, func() { v.Challenge(home, false) }); n > 9 {
		t.Errorf("challenge: %v allocations", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	ha1 := Password("la2", "u", "p")
	v, err := New(Config{Realm: "la2"}, func(string) (HA1, bool) { return ha1, true })
	if err != nil {
		b.Fatal(err)
	}
	c := Client{User: "u", Password: "p"}
	auth, _ := c.Answer("REGISTER", reqURI, "", v.Challenge(home, false))
	b.ReportAllocs()
	for b.Loop() {
		v.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI, Print: 1}, auth)
	}
}

func BenchmarkChallenge(b *testing.B) {
	v, err := New(Config{Realm: "la2"}, func(string) (HA1, bool) { return HA1{}, false })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v.Challenge(home, false)
	}
}
