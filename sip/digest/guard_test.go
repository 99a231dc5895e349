package digest

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

type guarded struct {
	*Guard
	t      *testing.T
	clock  *clock
	lookup int // how often an account was looked up
	log    bytes.Buffer
}

func newGuarded(t *testing.T, cfg GuardConfig) *guarded {
	t.Helper()
	g := &guarded{t: t, clock: &clock{time.Unix(1_770_000_000, 0)}}
	v, err := New(Config{Realm: "la2", Now: g.clock.now}, func(user string) (HA1, bool) {
		g.lookup++
		return Password("la2", user, "demo-"+user), user == "1001" || user == "1002"
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Now, cfg.Logger = g.clock.now, slog.New(slog.NewTextHandler(&g.log, nil))
	g.Guard = NewGuard(cfg, v)
	g.clock.t = g.clock.t.Add(time.Second)
	return g
}

// try sends credentials from src and checks the outcome.
func (g *guarded) try(src, user, password string, want error) {
	g.t.Helper()
	from := netip.MustParseAddr(src)
	g.clock.t = g.clock.t.Add(time.Millisecond)
	auth := answer(g.t, user, password, "REGISTER", reqURI, g.Challenge(from, false))
	if _, err := g.VerifyAny(Request{Source: from, Method: "REGISTER", URI: reqURI}, []string{auth}); !errors.Is(err, want) {
		g.t.Errorf("%s %s: got %v, want %v", src, user, err, want)
	}
}

func TestGuard(t *testing.T) {
	g := newGuarded(t, GuardConfig{})
	for range 100 {
		g.try("127.0.0.1", "1001", "demo-1001", nil) // success never counts
	}
	for i := range 9 {
		g.try("127.0.0.1", []string{"1001", "1002", "9999"}[i%3], "guess", ErrDenied)
	}
	g.try("127.0.0.1", "1001", "demo-1001", nil)
	g.try("127.0.0.1", "9999", "guess", ErrDenied)
	g.try("127.0.0.1", "1001", "demo-1001", nil) // proved its password before the pause
	looked := g.lookup
	g.try("127.0.0.9", "1002", "demo-1002", ErrDenied)
	g.try("::ffff:127.0.0.1", "1002", "demo-1002", ErrDenied)
	if g.lookup != looked {
		t.Error("something was checked")
	}
	if _, err := g.VerifyAny(Request{Source: home, Method: "REGISTER", URI: reqURI}, nil); !errors.Is(err, ErrMissing) {
		t.Errorf("no credentials: got %v", err)
	}
	g.try("127.0.1.1", "1001", "demo-1001", nil) // another source
	if got, want := g.Stats(), (GuardStats{Failures: 10, Throttled: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	g.clock.t = g.clock.t.Add(59 * time.Second)
	g.try("127.0.0.1", "1002", "demo-1002", ErrDenied)
	g.clock.t = g.clock.t.Add(time.Second)
	g.try("127.0.0.1", "1002", "demo-1002", nil) // what came in the pause does not prolong it
	if log := g.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "source=127.0.0.0/24") || strings.Contains(log, "1001") {
		t.Errorf("log %q", log)
	}
}

// An account that proved its password is stopped by failures of its own alone,
// and not for ever trusted.
func TestGuard_trust(t *testing.T) {
	g := newGuarded(t, GuardConfig{})
	g.try("127.0.0.1", "1001", "demo-1001", nil)
	for range 10 {
		g.try("127.0.0.1", "9999", "guess", ErrDenied)
	}
	for range 10 {
		g.try("127.0.0.1", "1001", "guess", ErrDenied)
	}
	g.try("127.0.0.1", "1001", "demo-1001", ErrDenied)
	g.clock.t = g.clock.t.Add(3 * time.Hour)
	for range 10 {
		g.try("127.0.0.1", "9999", "guess", ErrDenied)
	}
	g.try("127.0.0.1", "1001", "demo-1001", ErrDenied)
}

// Nine a minute are never stopped, however long it goes on.
func TestGuard_window(t *testing.T) {
	g := newGuarded(t, GuardConfig{})
	for range 100 {
		g.try("192.0.2.7", "1001", "guess", ErrDenied)
		g.clock.t = g.clock.t.Add(7 * time.Second)
	}
	g.try("192.0.2.7", "1001", "demo-1001", nil)
}

func TestGuard_sources(t *testing.T) {
	g := newGuarded(t, GuardConfig{Failures: 2})
	for _, s := range []struct{ guesser, same, other string }{
		{"192.0.2.7", "192.0.2.250", "192.0.3.7"},
		{"2001:db8:0:100::1", "2001:db8:0:1ff::9", "2001:db8:0:200::1"},
	} {
		g.try(s.guesser, "1001", "guess", ErrDenied)
		g.try(s.guesser, "9999", "guess", ErrDenied)
		g.try(s.same, "1001", "demo-1001", ErrDenied)
		g.try(s.other, "1001", "demo-1001", nil)
	}
}

// Nobody guesses with credentials that cannot be read, or of another realm: they count for
// nothing here.
func TestGuard_malformed(t *testing.T) {
	g := newGuarded(t, GuardConfig{Failures: 2})
	for range 5 {
		if _, err := g.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, `Digest realm="x", username="1001"`); !errors.Is(err, ErrMissing) {
			t.Errorf("other realm: got %v", err)
		}
		if _, err := g.Verify(Request{Source: home, Method: "REGISTER", URI: reqURI}, `Digest realm="la2`); !errors.Is(err, ErrDenied) {
			t.Errorf("unclosed: got %v", err)
		}
	}
	g.try(home.String(), "1001", "demo-1001", nil)
}

// Who forges the source of his datagrams does not get the nonces that are sent there. With those
// that he has he pauses nobody, neither the network nor an account of it.
func TestGuard_forgedSource(t *testing.T) {
	g := newGuarded(t, GuardConfig{Failures: 2})
	victim, forger := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("203.0.113.1")
	g.try(victim.String(), "1001", "demo-1001", nil)
	for range 50 {
		for _, user := range []string{"1001", "9999"} {
			auth := answer(t, user, "guess", "REGISTER", reqURI, g.Challenge(forger, false))
			if _, err := g.Verify(Request{Source: victim, Method: "REGISTER", URI: reqURI}, auth); !errors.Is(err, ErrStale) {
				t.Fatalf("got %v, want stale", err)
			}
		}
	}
	if p := g.Pauses(); len(p) > 0 {
		t.Errorf("paused: %+v", p)
	}
	g.try(victim.String(), "1001", "demo-1001", nil)
	g.try(victim.String(), "1002", "demo-1002", nil)
}

// Of a source that is spared only the account is paused that was guessed at: a bench on loopback
// tries wrong passwords and goes on.
func TestGuard_spared(t *testing.T) {
	g := newGuarded(t, GuardConfig{Failures: 2, Spared: netip.Addr.IsLoopback})
	for range 4 {
		g.try("127.0.0.1", "1001", "guess", ErrDenied)
		g.try("127.0.0.1", "9999", "guess", ErrDenied)
	}
	for _, p := range g.Pauses() {
		if !p.Account {
			t.Errorf("paused as a whole: %+v", p)
		}
	}
	g.try("127.0.0.1", "1001", "demo-1001", ErrDenied)
	g.try("127.0.0.1", "1002", "demo-1002", nil)
	g.clock.t = g.clock.t.Add(time.Minute)
	g.try("127.0.0.1", "1001", "demo-1001", nil)
}

// Both counts are kept: one of a source, one of an account there.
func TestGuard_table(t *testing.T) {
	g := newGuarded(t, GuardConfig{Size: 4})
	g.try("192.0.2.7", "1001", "guess", ErrDenied)
	g.try("192.0.2.7", "1002", "guess", ErrDenied)
	if n := len(g.table); n != 3 {
		t.Errorf("%d entries, want a source and two accounts", n)
	}
	for i := range 50 {
		g.try(netip.AddrFrom4([4]byte{10, 0, byte(i), 1}).String(), "1001", "guess", ErrDenied)
	}
	if len(g.table) != 4 || g.order.Len() != 4 {
		t.Errorf("%d, %d entries, want 4", len(g.table), g.order.Len())
	}
}

// Who is paused can be listed and forgiven; no account is named.
func TestGuard_pauses(t *testing.T) {
	g := newGuarded(t, GuardConfig{Failures: 2})
	g.try("192.0.2.1", "1001", "demo-1001", nil)
	for _, src := range []string{"192.0.2.1", "192.0.2.200"} { // one source
		g.try(src, "9999", "guess", ErrDenied)
	}
	g.try("192.0.2.7", "1002", "demo-1002", ErrDenied)
	g.try("192.0.2.7", "9999", "guess", ErrDenied)
	got := g.Pauses()
	if len(got) != 2 || got[0].Source.String() != "192.0.2.0/24" || got[0].Account == got[1].Account {
		t.Fatalf("got %+v", got)
	}
	for _, p := range got {
		if p.Unread != 1 || p.Until.Sub(p.Since) != time.Minute {
			t.Errorf("got %+v", p)
		}
	}
	if g.Forgive(netip.MustParseAddr("192.0.3.1")) || !g.Forgive(netip.MustParseAddr("::ffff:192.0.2.66")) {
		t.Error("forgiven: the wrong one, or not the right one")
	}
	if got := g.Pauses(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	g.try("192.0.2.7", "1002", "demo-1002", nil)
}
