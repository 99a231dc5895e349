//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/cti"
)

// HTTP addresses of the demo.
const (
	hubURL      = "http://127.0.0.1:8080"
	brindisiURL = "http://127.0.0.1:8180"
	napoliURL   = "http://127.0.0.1:8280"
)

// A desk is an agent at a desktop that speaks the CTI protocol.
type desk struct {
	url    string
	client *http.Client
	cancel context.CancelFunc

	mu     sync.Mutex // guards what follows
	frames []desktopFrame
	more   chan struct{}
}

type desktopFrame struct {
	at       time.Time
	Type     string          `json:"type"`
	Event    cti.Event       `json:"event"`
	Snapshot json.RawMessage `json:"snapshot"`
}

// logIn opens a desktop for user, whose password is the demo's.
func logIn(t *testing.T, base, user string) *desk {
	t.Helper()
	jar, _ := cookiejar.New(nil) // no error without options
	ctx, cancel := context.WithCancel(context.Background())
	d := &desk{url: base, client: &http.Client{Timeout: 10 * time.Second, Jar: jar}, cancel: cancel, more: make(chan struct{})}
	d.must(t, http.MethodPost, "/cti/v1/session", map[string]string{"user": user, "password": "demo-" + user})
	u, _ := url.Parse(base)
	header := http.Header{}
	for _, c := range jar.Cookies(&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/cti/"}) {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	ws, _, err := websocket.Dial(ctx, strings.Replace(base, "http", "ws", 1)+"/cti/v1/events", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatalf("desktop of %s: %v", user, err)
	}
	ws.SetReadLimit(1 << 20)
	go d.read(ctx, ws)  // ends with ctx or the connection
	go d.alive(ctx, ws) // the same
	t.Cleanup(func() {
		_, _, _ = d.do(http.MethodDelete, "/cti/v1/session", nil) // the node may have gone
		cancel()
	})
	return d
}

func (d *desk) read(ctx context.Context, ws *websocket.Conn) {
	for {
		_, raw, err := ws.Read(ctx)
		if err != nil {
			return
		}
		f := desktopFrame{at: time.Now()}
		if json.Unmarshal(raw, &f) != nil {
			continue
		}
		d.mu.Lock()
		d.frames = append(d.frames, f)
		close(d.more)
		d.more = make(chan struct{})
		d.mu.Unlock()
	}
}

func (d *desk) alive(ctx context.Context, ws *websocket.Conn) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = ws.CloseNow()
			return
		case <-tick.C:
			if ws.Write(ctx, websocket.MessageText, []byte(`{"type":"alive"}`)) != nil {
				return
			}
		}
	}
}

func (d *desk) do(method, path string, body any) (int, []byte, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, d.url+path, in)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("X-LA2", "1")
	req.Header.Set("Content-Type", "application/json")
	res, err := d.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, raw, err
}

func (d *desk) must(t *testing.T, method, path string, body any) []byte {
	t.Helper()
	status, raw, err := d.do(method, path, body)
	if err != nil || status >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, status, raw, err)
	}
	return raw
}

// ready makes the agent ready.
func (d *desk) ready(t *testing.T) {
	t.Helper()
	d.must(t, http.MethodPost, "/cti/v1/agent/state", map[string]string{"state": "ready"})
}

// command is hold, retrieve, transfer or hangup of a call.
func (d *desk) command(t *testing.T, call cti.CallID, verb string, body any) {
	t.Helper()
	if body == nil {
		body = struct{}{}
	}
	d.must(t, http.MethodPost, fmt.Sprintf("/cti/v1/calls/%s/%s", call, verb), body)
}

// event waits for the first event of this type since the desktop was opened.
func (d *desk) event(t *testing.T, within time.Duration, typ cti.EventType, ok ...func(cti.Event) bool) cti.Event {
	t.Helper()
	limit := time.After(patience * within)
	for i := 0; ; {
		d.mu.Lock()
		frames, more := d.frames, d.more
		d.mu.Unlock()
		for ; i < len(frames); i++ {
			e := frames[i].Event
			if frames[i].Type == "event" && e.Type == typ && (len(ok) == 0 || ok[0](e)) {
				return e
			}
		}
		select {
		case <-more:
		case <-limit:
			var seen []string
			for _, f := range frames {
				seen = append(seen, f.Type+" "+string(f.Event.Type))
			}
			t.Fatalf("desktop at %s: no %s within %v; saw %s", d.url, typ, patience*within, strings.Join(seen, ", "))
		}
	}
}
