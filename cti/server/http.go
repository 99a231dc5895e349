package server

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/lineaamica/la2/cti"
)

// maxBody bounds the body of a request.
const maxBody = 64 << 10

// bodyTime is how long a client may take to send it.
const bodyTime = 10 * time.Second

// defaultPolicy is the Content-Security-Policy (W3C CSP 3) of every answer.
const defaultPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A handler serves a request of a session.
type handler func(http.ResponseWriter, *http.Request, *session) error

// Handler is what the HTTP listener of the node serves.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	if s.cfg.Metrics != nil {
		mux.Handle("GET /metrics", s.cfg.Metrics)
	}
	mux.HandleFunc("/", s.handleDesktop)
	mux.HandleFunc("/cti/", func(w http.ResponseWriter, _ *http.Request) { problemOf(ErrNotFound).write(w) })
	mux.Handle("POST /cti/v1/session", s.open(s.logIn))
	mux.Handle("GET /cti/v1/status", s.open(s.handleStatus))
	mux.Handle("DELETE /cti/v1/bans/{source}", s.open(s.unban))
	anybody := func(*session) bool { return true }
	agent := func(ses *session) bool { return ses.user.Agent != "" && ses.user.has(cti.RoleAgent) }
	for pattern, h := range map[string]handler{
		"GET /cti/v1/session":    s.getSession,
		"DELETE /cti/v1/session": s.logOut,
		"GET /cti/v1/events":     s.handleEvents,
		"GET /cti/v1/taxonomy":   s.taxonomy,
	} {
		mux.Handle(pattern, s.within(anybody, h))
	}
	for pattern, h := range map[string]handler{
		"POST /cti/v1/agent/state":              s.agentState,
		"POST /cti/v1/agent/device":             s.agentDevice,
		"POST /cti/v1/calls/{call}/hold":        s.callVerb("hold", s.cfg.Calls.Hold),
		"POST /cti/v1/calls/{call}/retrieve":    s.callVerb("retrieve", s.cfg.Calls.Retrieve),
		"POST /cti/v1/calls/{call}/hangup":      s.callVerb("hangup", s.cfg.Calls.Hangup),
		"POST /cti/v1/calls/{call}/emergency":   s.callVerb("emergency", s.cfg.Calls.Emergency),
		"POST /cti/v1/calls/{call}/transfer":    s.handOver("transfer", s.cfg.Calls.Transfer),
		"POST /cti/v1/calls/{call}/consult":     s.handOver("consult", s.cfg.Calls.Consult),
		"POST /cti/v1/calls/{call}/complete":    s.callVerb("complete", s.cfg.Calls.Complete),
		"POST /cti/v1/calls/{call}/swap":        s.callVerb("swap", s.cfg.Calls.Swap),
		"POST /cti/v1/calls/{call}/answer":      s.answer,
		"GET /cti/v1/tickets/{id}":              s.getTicket,
		"PUT /cti/v1/tickets/{id}":              s.editTicket,
		"POST /cti/v1/tickets/{id}/transitions": s.transition,
		"POST /cti/v1/tickets/{id}/tracking":    s.tracking,
	} {
		mux.Handle(pattern, s.within(agent, h))
	}
	return s.guard(mux)
}

// guard is around everything: headers, foreign origins, panics.
func (s *Server) guard(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.cfg.Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
		defer func() {
			v := recover()
			if err, ok := v.(error); v != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
				s.cfg.Logger.Error("request panicked", "path", r.Pattern, "panic", v)
				problemOf(errors.New("panic")).write(w)
			}
		}()
		if foreign.Check(r) != nil {
			problemOf(ErrForbidden).write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// open serves a request without a session. Every request but GET must carry
// X-LA2, which no foreign form can send.
func (s *Server) open(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.wait(r.Context())
		switch {
		case err != nil:
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get("X-LA2") != "1":
			err = newProblem(http.StatusForbidden, "forbidden", "X-LA2 is missing")
		default:
			err = h(w, r)
		}
		if err == nil {
			return
		}
		p := problemOf(err)
		if p.Status == http.StatusInternalServerError {
			s.cfg.Logger.Error("request failed", "path", r.Pattern, "error", err)
		}
		p.write(w)
	})
}

// within serves a request of a session that may.
func (s *Server) within(may func(*session) bool, h handler) http.Handler {
	return s.open(func(w http.ResponseWriter, r *http.Request) error {
		ses := s.sessions.of(r)
		if ses == nil {
			return denied()
		}
		if !may(ses) {
			return ErrForbidden
		}
		return h(w, r, ses)
	})
}

// wait lets a request through when the desk has read the journal.
func (s *Server) wait(ctx context.Context) error {
	t := time.NewTimer(5 * time.Second)
	defer t.Stop()
	select {
	case <-s.ready:
		return nil
	case <-t.C:
	case <-ctx.Done():
	}
	return ErrUnavailable
}

func (s *Server) getSession(w http.ResponseWriter, _ *http.Request, ses *session) error {
	writeJSON(w, "application/json", http.StatusOK, s.sessionBody(ses))
	return nil
}

func (s *Server) taxonomy(w http.ResponseWriter, _ *http.Request, _ *session) error {
	if s.cfg.Taxonomy == nil {
		return ErrNotFound
	}
	writeJSON(w, "application/json", http.StatusOK, s.cfg.Taxonomy)
	return nil
}

// operating lets supervisors in, and la2 status with the node's token.
func (s *Server) operating(r *http.Request) error {
	ses := s.sessions.of(r)
	switch {
	case ses != nil && ses.user.has(cti.RoleSupervisor), s.hasStatusToken(r):
		return nil
	case ses != nil:
		return ErrForbidden
	}
	return denied()
}

func (s *Server) handleStatus(w http.ResponseWriter, r *http.Request) error {
	if err := s.operating(r); err != nil {
		return err
	}
	writeJSON(w, "application/json", http.StatusOK, s.Status())
	return nil
}

// unban ends the ban of an address.
func (s *Server) unban(w http.ResponseWriter, r *http.Request) error {
	if err := s.operating(r); err != nil {
		return err
	}
	a, err := netip.ParseAddr(r.PathValue("source"))
	if err != nil {
		return badRequest("want the address of a source")
	}
	if !s.cfg.Unban(a) {
		return ErrNotFound
	}
	s.cfg.Logger.Info("ban ended by hand", "source", a)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) hasStatusToken(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if err != nil || !ok || s.cfg.StatusToken == "" || !net.ParseIP(host).IsLoopback() {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.StatusToken)) == 1
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, "application/json", http.StatusOK, map[string]string{"status": "ok"})
}

// readyz tells which checks pass; why one fails is in the log of its owner.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	checks := map[string]bool{"desk": s.isReady(), "journal": s.cfg.Log.Healthy() == nil}
	for _, c := range s.cfg.Ready {
		checks[c.Name] = c.Func(ctx) == nil
	}
	status := http.StatusOK
	for _, ok := range checks {
		if !ok {
			status = http.StatusServiceUnavailable
		}
	}
	writeJSON(w, "application/json", status, struct {
		Ready  bool            `json:"ready"`
		Checks map[string]bool `json:"checks"`
	}{status == http.StatusOK, checks})
}

// readJSON reads a body of at most maxBody as JSON; an absent one leaves v.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if r.ContentLength == 0 {
		return nil
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, "bad-request", "Want application/json")
	}
	conn := http.NewResponseController(w)
	if err := conn.SetReadDeadline(time.Now().Add(bodyTime)); err == nil { // a recorder in a test has none
		defer conn.SetReadDeadline(time.Time{})
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	err := dec.Decode(v)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return newProblem(http.StatusRequestEntityTooLarge, "too-large", "Body too large")
	case err != nil, dec.More():
		return badRequest("body is not the JSON expected")
	}
	return nil
}
