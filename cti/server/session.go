package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/lineaamica/la2/cti"
)

// cookieName is the session cookie of a site. Browsers keep cookies by host and
// not by port, so that two nodes on one machine need two names.
func cookieName(site cti.SiteID) string { return "la2_session_" + string(site) }

// A session is one log-in. Only the hash of its token is kept.
type session struct {
	key     string // hex of the SHA-256 of the token
	user    User
	device  cti.DeviceID
	expires time.Time
	since   uint64 // number of the stream's event at log-in
}

// kept is a session as the projection keeps it.
type kept struct {
	User    string       `json:"user"`
	Device  cti.DeviceID `json:"device"`
	Expires time.Time    `json:"expires"`
	Since   uint64       `json:"since"`
}

// sessions are the log-ins of the node. Safe for concurrent use.
type sessions struct {
	cfg *Config

	mu   sync.Mutex
	open map[string]*session
}

// newSessions reads the log-ins that a restart left.
func newSessions(cfg *Config) (*sessions, error) {
	t := &sessions{cfg: cfg, open: map[string]*session{}}
	if cfg.Sessions == nil {
		return t, nil
	}
	now := cfg.Now()
	err := cfg.Sessions.View(func(tx cti.Tx) error {
		for k, v := range tx.Scan(nil) {
			var o kept
			if json.Unmarshal(v, &o) != nil || !now.Before(o.Expires) {
				continue
			}
			if u, ok := cfg.Users(o.User); ok {
				t.open[string(k)] = &session{key: string(k), user: u, device: o.Device, expires: o.Expires, since: o.Since}
			}
		}
		return nil
	})
	return t, err
}

// start opens a session and returns the token for its cookie.
func (t *sessions) start(ctx context.Context, u User, device cti.DeviceID, since uint64) (*session, string, error) {
	raw := make([]byte, 32)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	s := &session{key: keyOf(token), user: u, device: device, expires: t.cfg.Now().Add(t.cfg.SessionLife).UTC().Truncate(time.Second), since: since}
	if err := t.keep(ctx, s); err != nil {
		return nil, "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[s.key] = s
	return s, token, nil
}

// keep writes s, and drops the records that expired.
func (t *sessions) keep(ctx context.Context, s *session) error {
	if t.cfg.Sessions == nil {
		return nil
	}
	v, err := json.Marshal(kept{User: s.user.Name, Device: s.device, Expires: s.expires, Since: s.since})
	if err != nil {
		return err
	}
	now := t.cfg.Now()
	return t.cfg.Sessions.Update(ctx, func(tx cti.Tx) error {
		var stale [][]byte
		for k, v := range tx.Scan(nil) {
			var o kept
			if json.Unmarshal(v, &o) != nil || now.After(o.Expires) {
				stale = append(stale, append([]byte{}, k...))
			}
		}
		for _, k := range stale {
			if err := tx.Delete(k); err != nil {
				return err
			}
		}
		return tx.Put([]byte(s.key), v)
	})
}

// end closes s; a journal that does not write must not keep anybody logged in.
func (t *sessions) end(ctx context.Context, s *session) error {
	t.mu.Lock()
	delete(t.open, s.key)
	t.mu.Unlock()
	if t.cfg.Sessions == nil {
		return nil
	}
	return t.cfg.Sessions.Update(ctx, func(tx cti.Tx) error { return tx.Delete([]byte(s.key)) })
}

// of finds the session of a request; nil when there is none.
func (t *sessions) of(r *http.Request) *session {
	c, err := r.Cookie(cookieName(t.cfg.Site.IPA))
	if err != nil || len(c.Value) != 43 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.open[keyOf(c.Value)]
	if s == nil {
		return nil
	}
	if !t.cfg.Now().Before(s.expires) {
		delete(t.open, s.key)
		return nil
	}
	return s
}

func (t *sessions) valid(s *session) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[s.key] == s && t.cfg.Now().Before(s.expires)
}

// before are the open sessions of a that began before event seq.
func (t *sessions) before(a cti.AgentID, seq uint64) []*session {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*session
	for _, s := range t.open {
		if s.user.Agent == a && a != "" && s.since < seq {
			out = append(out, s)
		}
	}
	return out
}

// another tells whether a has an open session.
func (t *sessions) another(a cti.AgentID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.open {
		if s.user.Agent == a && t.cfg.Now().Before(s.expires) {
			return true
		}
	}
	return false
}

func keyOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (u User) has(role cti.Role) bool {
	for _, r := range u.Roles {
		if r == role {
			return true
		}
	}
	return false
}
