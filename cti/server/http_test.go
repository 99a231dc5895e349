package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

func TestLogIn(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.browser()
	if status, p := b.do("GET", "/cti/v1/session", nil); status != 401 || p["type"] != "urn:la2:problem:denied" {
		t.Errorf("without session: %d %v", status, p)
	}
	unknown, p1 := b.raw("POST", "/cti/v1/session", map[string]string{"user": "nobody", "password": "demo"})
	wrong, p2 := b.raw("POST", "/cti/v1/session", map[string]string{"user": "1001", "password": "wrong"})
	if unknown.StatusCode != 401 || wrong.StatusCode != 401 || string(p1) != string(p2) {
		t.Errorf("unknown user %d %s, wrong password %d %s: must be alike", unknown.StatusCode, p1, wrong.StatusCode, p2)
	}
	res, _ := b.raw("POST", "/cti/v1/session", map[string]string{"user": "1001", "password": "demo", "device": "1003"})
	c := res.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/cti" || len(c[0].Value) != 43 {
		t.Errorf("cookie %+v", c)
	}
	status, body := b.do("GET", "/cti/v1/session", nil)
	if status != 200 || body["user"] != "1001" || body["device"] != "1003" || body["name"] != "Maria Rossi" {
		t.Errorf("session %d %v", status, body)
	}
	of := func(c ...*http.Cookie) (cti.DeviceID, bool) {
		r := &http.Request{Header: http.Header{}}
		for _, one := range c {
			r.AddCookie(one)
		}
		return n.s.Device(r)
	}
	if d, ok := of(c...); d != "1003" || !ok {
		t.Errorf("device of the session: %q, %v", d, ok)
	}
	if d, ok := of(); d != "" || ok {
		t.Errorf("device of nobody: %q, %v", d, ok)
	}
	if status, _ := b.do("DELETE", "/cti/v1/session", nil); status != 204 {
		t.Errorf("log-out %d", status)
	}
	if status, _ := b.do("GET", "/cti/v1/session", nil); status != 401 {
		t.Errorf("session after log-out: %d", status)
	}
	if want := []string{"log_in 1001 1003", "log_out 1001"}; !slices.Equal(n.did, want) {
		t.Errorf("floor heard %v, want %v", n.did, want)
	}
	n.settle()
	var audits []string
	evs, _ := n.journal.Read(0, 100)
	for _, ev := range evs {
		if ev.Type == cti.EvAudit {
			audits = append(audits, ev.Value+" "+string(ev.Agent)+" "+string(ev.Cause))
		}
		if strings.Contains(ev.Value, "nobody") {
			t.Error("an unknown name was recorded")
		}
	}
	if want := []string{"log_in  forbidden", "log_in 1001 forbidden", "log_in 1001 ", "log_out 1001 "}; !slices.Equal(audits, want) {
		t.Errorf("audits %q, want %q", audits, want)
	}
}

func TestThrottle(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.browser()
	for range throttlePerUser {
		if status, _ := b.do("POST", "/cti/v1/session", map[string]string{"user": "1001", "password": "wrong"}); status != 401 {
			t.Fatalf("status %d", status)
		}
	}
	res, _ := b.raw("POST", "/cti/v1/session", map[string]string{"user": "1001", "password": "demo"})
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("after %d failures: %d, Retry-After %q", throttlePerUser, res.StatusCode, res.Header.Get("Retry-After"))
	}
	n.logIn("1002")
}

func TestThrottleWindow(t *testing.T) {
	now := time.Unix(0, 0)
	th := newThrottle(func() time.Time { return now })
	for i := range throttlePerSrc {
		if _, ok := th.try("src", string(rune('a'+i))); !ok {
			t.Fatalf("attempt %d refused", i)
		}
	}
	if wait, ok := th.try("src", "z"); ok || wait != throttleWindow {
		t.Errorf("attempt %d: %v, wait %v", throttlePerSrc+1, ok, wait)
	}
	if _, ok := th.try("other", "z"); !ok {
		t.Error("another source was refused")
	}
	now = now.Add(throttleWindow)
	if _, ok := th.try("src", "z"); !ok {
		t.Error("refused after the window")
	}
	for i := range throttleKeys + 100 {
		th.try(string(rune(i)), "u")
	}
	if len(th.tries) > throttleKeys+2 {
		t.Errorf("table holds %d keys", len(th.tries))
	}
}

func TestForeignRequestsAreRefused(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	tests := []struct {
		name   string
		header []string
		want   int
	}{
		{"as the desktop", nil, 200},
		{"without X-LA2", []string{"X-LA2", ""}, 403},
		{"from another origin", []string{"Origin", "https://evil.example"}, 403},
		{"cross-site by fetch metadata", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from its own origin", []string{"Origin", n.web.URL}, 200},
		{"as a form", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
	}
	for _, tt := range tests {
		if status, p := b.do("POST", "/cti/v1/agent/state", map[string]string{"state": "ready"}, tt.header...); status != tt.want {
			t.Errorf("%s: %d %v, want %d", tt.name, status, p, tt.want)
		}
	}
	if status, _ := b.do("POST", "/cti/v1/agent/state", map[string]string{"state": strings.Repeat("x", maxBody)}); status != 413 {
		t.Errorf("large body: %d", status)
	}
}

func TestCommands(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b, other := n.logIn("1001"), n.logIn("1002")
	n.publish(append(offer("C1", "1001", ticket1), talk("C1", "1001")...)...)
	tests := []struct {
		path string
		body map[string]string
		want int
		did  string
	}{
		{"agent/state", map[string]string{"state": "ready"}, 200, "state 1001 ready "},
		{"agent/state", map[string]string{"state": "not_ready", "reason": "pausa"}, 200, "state 1001 not_ready pausa"},
		{"agent/state", map[string]string{"state": "not_ready", "reason": "sonno"}, 422, ""},
		{"agent/state", map[string]string{"state": "talking"}, 422, ""},
		{"agent/device", map[string]string{"device": "1005"}, 200, "device 1001 1005"},
		{"agent/device", map[string]string{"device": "../x"}, 422, ""},
		{"calls/C1/hold", map[string]string{}, 200, "hold C1 C1/2"},
		{"calls/C1/emergency", map[string]string{}, 200, "emergency C1 C1/2"},
		{"calls/C9/emergency", map[string]string{}, 404, ""},
		{"calls/C1/retrieve", map[string]string{}, 200, "retrieve C1 C1/2"},
		{"calls/C1/transfer", map[string]string{"office": "cmna"}, 200, "transfer C1 C1/2 cmna"},
		{"calls/C1/transfer", map[string]string{"number": "1002"}, 200, "transfer C1 C1/2 1002"},
		{"calls/C1/transfer", map[string]string{"number": "1002", "office": "cmna"}, 422, ""},
		{"calls/C1/transfer", map[string]string{"number": "sip:x@y"}, 422, ""},
		{"calls/C1/transfer", map[string]string{"office": "roma"}, 404, ""},
		{"calls/C1/consult", map[string]string{"number": "1002"}, 200, "consult C1 C1/2 1002"},
		{"calls/C1/consult", map[string]string{"office": "roma"}, 404, ""},
		{"calls/C1/consult", map[string]string{}, 422, ""},
		{"calls/C1/complete", map[string]string{}, 200, "complete C1 C1/2"},
		{"calls/C1/swap", map[string]string{}, 200, "swap C1 C1/2"},
		{"calls/C1/hangup", map[string]string{}, 200, "hangup C1 C1/2"},
		{"calls/C1/answer", map[string]string{}, 409, ""},
		{"calls/C9/hold", map[string]string{}, 404, ""},
		{"calls/C9/answer", map[string]string{}, 404, ""},
	}
	for _, tt := range tests {
		n.did = nil
		status, body := b.do("POST", "/cti/v1/"+tt.path, tt.body)
		if status != tt.want || tt.did != "" && !slices.Equal(n.did, []string{tt.did}) {
			t.Errorf("%s %v: %d %v, did %v", tt.path, tt.body, status, body, n.did)
		}
		if pos, _ := body["position"].(string); tt.want == 200 && !strings.HasPrefix(pos, n.journal.Epoch()+".") {
			t.Errorf("%s: position %q", tt.path, pos)
		}
	}
	if status, _ := other.do("POST", "/cti/v1/calls/C1/hangup", map[string]string{}); status != 404 {
		t.Errorf("a colleague's call: %d, want 404", status)
	}
	if status, _ := n.logIn("capo").do("POST", "/cti/v1/calls/C1/hangup", map[string]string{}); status != 403 {
		t.Errorf("a supervisor's command: %d, want 403", status)
	}
	n.fail = ErrIllegalState
	if status, p := b.do("POST", "/cti/v1/calls/C1/hold", map[string]string{}); status != 409 || p["type"] != "urn:la2:problem:illegal-state" {
		t.Errorf("failing command: %d %v", status, p)
	}
	n.fail = ErrOwnStation
	if status, p := b.do("POST", "/cti/v1/calls/C1/transfer", map[string]string{"number": "1002"}); status != 409 ||
		p["type"] != "urn:la2:problem:illegal-state" || p["title"] != "That is your own station" {
		t.Errorf("to the own station: %d %v", status, p)
	}
	n.fail = cti.Fail(cti.CauseBusy, "secret internals")
	if status, p := b.do("POST", "/cti/v1/calls/C1/hold", map[string]string{}); status != 409 || p["detail"] != "busy" {
		t.Errorf("failure with a cause: %d %v", status, p)
	}
	n.fail = cti.Fail(cti.CauseForbidden, "a transfer is under way")
	if status, p := b.do("POST", "/cti/v1/calls/C1/hold", map[string]string{}); status != 409 || p["detail"] != "forbidden" {
		t.Errorf("not now, though the role allows it: %d %v", status, p)
	}
	n.fail = http.ErrAbortHandler
	if status, p := b.do("POST", "/cti/v1/calls/C1/hold", map[string]string{}); status != 500 || p["detail"] != nil {
		t.Errorf("internal error: %d %v", status, p)
	}
}

// The desktop answers a desk telephone that said it can be told, no other.
func TestAnswer(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	n.publish(offer("C1", "1001", ticket1)...)
	n.did = nil
	if status, p := b.do("POST", "/cti/v1/calls/C1/answer", map[string]string{}); status != 409 || len(n.did) != 0 {
		t.Errorf("a telephone that cannot: %d %v, did %v", status, p, n.did)
	}
	n.publish(cti.Event{Type: cti.EvControllable, Call: "C1", Leg: "C1/2", Device: "1001", Value: "talk,hold"})
	if f := read(t, b.events("")); f.Snapshot.Calls[0].Phone != "talk,hold" || f.Snapshot.Calls[0].State != callRinging {
		t.Errorf("snapshot %+v", f.Snapshot.Calls)
	}
	if status, p := b.do("POST", "/cti/v1/calls/C1/answer", map[string]string{}); status != 200 || !slices.Equal(n.did, []string{"answer C1 1001"}) {
		t.Errorf("%d %v, did %v", status, p, n.did)
	}
	if status, _ := n.logIn("1002").do("POST", "/cti/v1/calls/C1/answer", map[string]string{}); status != 404 {
		t.Errorf("a colleague's telephone: %d", status)
	}
}

func TestTicketRights(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	n.publish(append(offer("C0", "1001", ticket2), talk("C0", "1001")...)...) // before the session
	n.publish(append(end("C0", "1001"), cti.Event{Type: cti.EvAgentReady, Agent: "1001"})...)
	b, other := n.logIn("1001"), n.logIn("1002")
	get := func(b *browser, id cti.TicketID) int {
		status, _ := b.do("GET", "/cti/v1/tickets/"+string(id), nil)
		return status
	}
	check := func(when string, mine, others int) {
		t.Helper()
		if got, got2 := get(b, ticket1), get(other, ticket1); got != mine || got2 != others {
			t.Errorf("%s: %d for the agent, %d for a colleague; want %d, %d", when, got, got2, mine, others)
		}
	}
	check("before", 404, 404)
	n.publish(offer("C1", "1001", ticket1)...)
	check("ringing", 200, 404)
	n.publish(cti.Event{Type: cti.EvDiverted, Agent: "1001", Call: "C1", Cause: cti.CauseNoAnswer})
	check("not answered", 404, 404)
	n.publish(append(offer("C1", "1001", ticket1)[3:], talk("C1", "1001")...)...)
	check("talking", 200, 404)
	n.publish(end("C1", "1001")...)
	check("wrap-up", 200, 404)
	n.publish(cti.Event{Type: cti.EvAgentReady, Agent: "1001"})
	check("answered in this session", 200, 404)
	if got := get(b, ticket2); got != 404 {
		t.Errorf("ticket of an earlier session: %d", got)
	}
	if got := get(b, "nonsense"); got != 404 {
		t.Errorf("malformed id: %d", got)
	}
}

func TestTicketCommands(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	n.publish(append(offer("C1", "1001", ticket1), talk("C1", "1001")...)...)
	path := "/cti/v1/tickets/" + string(ticket1)
	res, _ := b.raw("GET", path, nil)
	if res.Header.Get("ETag") != `"3"` || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", res.Header)
	}
	closing := map[string]string{"to": "closed_fo", "category": "13"}
	tests := []struct {
		method, path, match string
		body                map[string]string
		want                int
		field, value        string
	}{
		{"POST", "/transitions", `"3"`, closing, 200, "state", "closed_fo"},
		{"POST", "/transitions", "", closing, 428, "", ""},
		{"POST", "/transitions", "3", closing, 400, "", ""},
		{"POST", "/transitions", `"2"`, closing, 412, "type", "urn:la2:problem:stale"},
		{"POST", "/transitions", `"3"`, map[string]string{"to": "closed_fo"}, 422, "type", "urn:la2:problem:invalid"},
		{"POST", "/transitions", `"3"`, nil, 422, "", ""},
		{"PUT", "", `"3"`, map[string]string{"subject": "pensione"}, 200, "subject", "pensione"},
		{"POST", "/tracking", "", map[string]string{}, 200, "code", "123 456 789 0"},
	}
	for _, tt := range tests {
		status, body := b.do(tt.method, path+tt.path, tt.body, "If-Match", tt.match)
		if status != tt.want || tt.field != "" && body[tt.field] != tt.value {
			t.Errorf("%s %s %v: %d %v", tt.method, tt.path, tt.body, status, body)
		}
	}
}

func TestStatus(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	n.logIn("1001")
	n.publish(cti.Event{Type: cti.EvTrunkUp, Trunk: "napoli"}, cti.Event{Type: cti.EvAgentReady, Agent: "1001"})
	n.publish(append(offer("C1", "1001", ticket1), talk("C1", "1001")...)...)
	n.publish(offer("C2", "1002", ticket2)[:3]...)
	n.publish(offer("C3", "1002", ticket2)[:3]...)
	n.publish(cti.Event{Type: cti.EvCallCleared, Call: "C3", Cause: cti.CauseAbandoned})
	for name, b := range map[string]*browser{"agent": n.logIn("1002"), "nobody": n.browser()} {
		if status, _ := b.do("GET", "/cti/v1/status", nil); status != 403 && status != 401 {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := n.browser().do("GET", "/cti/v1/status", nil, "Authorization", "Bearer guess"); status != 401 {
		t.Errorf("wrong token: %d", status)
	}
	res, raw := n.browser().raw("GET", "/cti/v1/status", nil, "Authorization", "Bearer token")
	if res.StatusCode != 200 || strings.Contains(string(raw), "1001") || strings.Contains(string(raw), "0831") {
		t.Errorf("status %d %s", res.StatusCode, raw)
	}
	n.logIn("capo")
	st := n.s.Status()
	q := st.Queues[0]
	q.LongestMS = 0
	if want := (QueueStatus{Queue: "urp", Waiting: 1, Offered: 3, Answered: 1, Abandoned: 1}); q != want {
		t.Errorf("queue %+v, want %+v", q, want)
	}
	if st.Calls != 2 || st.Agents["urp"][cti.AgentTalking] != 1 || !slices.Contains(st.Trunks, TrunkStatus{Name: "napoli", Up: true}) {
		t.Errorf("status %+v", st)
	}
}

// Bans are in the status, and a supervisor or la2 status ends one.
func TestUnban(t *testing.T) {
	list := []BanStatus{{Source: "192.0.2.1/32", Reason: "scanner", Times: 1}}
	n := start(t, stream.NewMemory(), func(c *Config) {
		c.Bans = func() []BanStatus { return list }
		c.Unban = func(a netip.Addr) bool {
			banned := len(list) == 1 && a == netip.MustParseAddr("192.0.2.1")
			if banned {
				list = nil
			}
			return banned
		}
	})
	if got := n.s.Status().Bans; !slices.Equal(got, list) {
		t.Errorf("bans %v", got)
	}
	token := []string{"Authorization", "Bearer token"}
	for _, tt := range []struct {
		name   string
		b      *browser
		source string
		header []string
		want   int
	}{
		{"nobody", n.browser(), "192.0.2.1", nil, 401},
		{"agent", n.logIn("1001"), "192.0.2.1", nil, 403},
		{"wrong token", n.browser(), "192.0.2.1", []string{"Authorization", "Bearer guess"}, 401},
		{"no address", n.browser(), "x", token, 400},
		{"another", n.browser(), "192.0.2.2", token, 404},
		{"la2 status", n.browser(), "192.0.2.1", token, 204},
		{"once only", n.logIn("capo"), "192.0.2.1", nil, 404},
	} {
		if status, _ := tt.b.do("DELETE", "/cti/v1/bans/"+tt.source, nil, tt.header...); status != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, status, tt.want)
		}
	}
}

// Who is Ready at a telephone that is not registered is no help to anybody.
func TestReadyWithoutATelephone(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	ready := func() (board, status int) {
		t.Helper()
		n.settle()
		c := b.events("")
		snap := read(t, c)
		return snap.Snapshot.Queues[0].Ready, n.s.Status().Agents["urp"][cti.AgentReady]
	}
	n.publish(cti.Event{Type: cti.EvAgentReady, Agent: "1001", Device: "1001"})
	if board, status := ready(); board != 0 || status != 0 {
		t.Errorf("without a registration: %d and %d are ready", board, status)
	}
	n.publish(cti.Event{Type: cti.EvDeviceUp, Device: "1001"})
	if board, status := ready(); board != 1 || status != 1 {
		t.Errorf("registered: %d and %d are ready", board, status)
	}
	n.publish(cti.Event{Type: cti.EvDeviceDown, Device: "1001"})
	if board, status := ready(); board != 0 || status != 0 {
		t.Errorf("registration gone: %d and %d are ready", board, status)
	}
}

// Another agent logs in at the same browser: the first one has gone home, and
// no caller is to ring its telephone.
func TestLogInReplacesAnotherAgent(t *testing.T) {
	n := start(t, stream.NewMemory(), nil)
	b := n.logIn("1001")
	n.did = nil
	if status, _ := b.do("POST", "/cti/v1/session", map[string]string{"user": "1002", "password": "demo"}); status != 200 {
		t.Fatal(status)
	}
	if want := []string{"log_in 1002 1002", "log_out 1001"}; !slices.Equal(n.did, want) {
		t.Errorf("floor heard %v, want %v", n.did, want)
	}
	n.did = nil
	b.do("POST", "/cti/v1/session", map[string]string{"user": "1002", "password": "demo"})
	if want := []string{"log_in 1002 1002"}; !slices.Equal(n.did, want) {
		t.Errorf("the same agent again: floor heard %v, want %v", n.did, want)
	}
}

func TestDesktopAndProbes(t *testing.T) {
	n := start(t, stream.NewMemory(), func(c *Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("la2_up 1\n")) })
	})
	tests := []struct {
		path  string
		want  int
		cache string
	}{
		{"/", 200, "no-cache"}, {"/index.html", 200, "no-cache"}, {"/assets/a-1234.js", 200, "public, max-age=31536000, immutable"},
		{"/.sources", 404, "no-store"}, {"/../etc/passwd", 404, "no-store"}, {"/nothing", 404, "no-store"},
		{"/healthz", 200, "no-store"}, {"/readyz", 200, "no-store"}, {"/metrics", 200, ""}, {"/cti/v9/x", 404, "no-store"},
	}
	for _, tt := range tests {
		res, _ := n.browser().raw("GET", tt.path, nil)
		if res.StatusCode != tt.want || res.Header.Get("Cache-Control") != tt.cache {
			t.Errorf("%s: %d, cache %q", tt.path, res.StatusCode, res.Header.Get("Cache-Control"))
		}
		if !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", tt.path, res.Header)
		}
	}
	res, _ := n.browser().raw("GET", "/", nil)
	if res, _ := n.browser().raw("GET", "/", nil, "If-None-Match", res.Header.Get("ETag")); res.StatusCode != 304 {
		t.Errorf("revalidation: %d", res.StatusCode)
	}
	n.journal.Break(http.ErrServerClosed)
	n.log.Publish(cti.Event{})
	n.log.Sync(t.Context())
	if res, _ := n.browser().raw("GET", "/readyz", nil); res.StatusCode != 503 {
		t.Errorf("readyz with a failing journal: %d", res.StatusCode)
	}
	n.journal.Break(nil)
}

func TestSessionsOutliveARestart(t *testing.T) {
	kept := &stream.MemoryProjection{}
	m := stream.NewMemory()
	n := start(t, m, func(c *Config) { c.Sessions = kept })
	b := n.logIn("1001")
	gone := n.logIn("1002")
	gone.do("DELETE", "/cti/v1/session", nil)
	n.stop()
	n2 := start(t, m, func(c *Config) { c.Sessions = kept })
	if len(n2.s.sessions.open) != 1 {
		t.Fatalf("%d sessions after a restart, want 1", len(n2.s.sessions.open))
	}
	for _, ses := range n2.s.sessions.open {
		if ses.user.Name != "1001" || ses.user.FullName == "" {
			t.Errorf("session %+v", ses)
		}
	}
	_ = b
}

func TestPassword(t *testing.T) {
	ok, err := VerifyPassword(hash(), "demo")
	if !ok || err != nil {
		t.Errorf("right password: %v, %v", ok, err)
	}
	if ok, err := VerifyPassword(hash(), "Demo"); ok || err != nil {
		t.Errorf("wrong password: %v, %v", ok, err)
	}
	if h, _ := HashPassword("demo"); h == hash() {
		t.Error("two hashes are alike")
	}
	if _, err := HashPassword(""); err == nil {
		t.Error("empty password hashed")
	}
	for _, bad := range []string{"", "demo", "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=19456,t=2,p=1$c2Fs$a2V5",
		strings.Replace(hash(), "argon2id", "argon2i", 1)} {
		if _, err := VerifyPassword(bad, "demo"); err == nil || ValidHash(bad) == nil {
			t.Errorf("hash %q accepted", bad)
		}
	}
}

func ExampleHashPassword() {
	hash, err := HashPassword("demo-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	ok, _ := VerifyPassword(hash, "demo-1001")
	fmt.Println(hash[:30], ok)
	// Output: $argon2id$v=19$m=19456,t=2,p=1 true
}
