package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/lineaamica/la2/cti"
)

// sessionBody is what POST and GET /cti/v1/session answer.
type sessionBody struct {
	User    string       `json:"user"`
	Name    string       `json:"name"`
	Roles   []cti.Role   `json:"roles"`
	Device  cti.DeviceID `json:"device"`
	Site    Site         `json:"site"`
	Expires time.Time    `json:"expires"`
}

func (s *Server) sessionBody(ses *session) sessionBody {
	u := ses.user
	return sessionBody{User: u.Name, Name: u.FullName, Roles: u.Roles, Device: s.desk.deviceOf(u.Agent, ses.device),
		Site: s.cfg.Site, Expires: ses.expires}
}

// Device is the station of the session that r belongs to, as its agent has it now; false without a
// session.
func (s *Server) Device(r *http.Request) (cti.DeviceID, bool) {
	ses := s.sessions.of(r)
	if ses == nil {
		return "", false
	}
	return s.desk.deviceOf(ses.user.Agent, ses.device), true
}

func (d *desk) deviceOf(a cti.AgentID, otherwise cti.DeviceID) cti.DeviceID {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v := d.agents[a]; v != nil && v.device != "" {
		return v.device
	}
	return otherwise
}

// logIn is POST /cti/v1/session.
func (s *Server) logIn(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		User     string       `json:"user"`
		Password string       `json:"password"`
		Device   cti.DeviceID `json:"device"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.User == "" || len(in.User) > 64 || in.Password == "" || len(in.Password) > 256 || !validDevice(in.Device) {
		return badRequest("user, password, device")
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	src := source(r)
	if wait, ok := s.throttle.try(src, in.User); !ok {
		return throttled(wait)
	}
	u, ok, err := s.verify(ctx, in.User, in.Password)
	if err != nil {
		return err
	}
	if !ok {
		s.audit(cti.Event{Agent: u.Agent, Value: "log_in", Cause: cti.CauseForbidden})
		s.cfg.Logger.Warn("log-in denied", "source", src)
		return denied()
	}
	s.throttle.succeeded(src, in.User)
	if in.Device == "" {
		in.Device = u.Device
	}
	if u.Agent != "" && u.has(cti.RoleAgent) {
		if in.Device == "" {
			return &Invalid{Fields: []string{"device"}}
		}
		if err := s.cfg.Agents.LogIn(ctx, u.Agent, in.Device); err != nil {
			s.audit(cti.Event{Agent: u.Agent, Device: in.Device, Value: "log_in", Cause: causeOf(err)})
			return err
		}
	}
	ses, token, err := s.sessions.start(ctx, u, in.Device, s.cfg.Log.Last().Seq)
	if err != nil {
		return err
	}
	s.audit(cti.Event{Agent: u.Agent, Device: in.Device, Value: "log_in"})
	s.cfg.Logger.Info("agent logged in", "agent", u.Agent, "device", in.Device)
	if old := s.sessions.of(r); old != nil {
		s.replace(ctx, old, u.Agent)
	}
	s.setCookie(w, token, int(s.cfg.SessionLife/time.Second))
	body := s.sessionBody(ses)
	body.Device = in.Device
	writeJSON(w, "application/json", http.StatusOK, body)
	return nil
}

// replace ends the session that this browser had before. If it was another
// agent's, who works at no other desk, that agent is logged out: nobody sits there.
func (s *Server) replace(ctx context.Context, old *session, now cti.AgentID) {
	if err := s.sessions.end(ctx, old); err != nil {
		s.cfg.Logger.Error("session not removed from the journal", "err", err)
	}
	s.endClients(byeLoggedOut, func(c *client) bool { return c.session == old })
	a := old.user.Agent
	if a == "" || a == now || !old.user.has(cti.RoleAgent) || s.sessions.another(a) {
		return
	}
	err := s.cfg.Agents.LogOut(ctx, a)
	s.audit(cti.Event{Agent: a, Value: "log_out", Cause: causeOf(err)})
}

// decoy is a hash whose password nobody knows; it costs what HashPassword's do.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$iX2R2jxFF3wLXi8GRkKazw$A2NIU+Glid1XxBfAlVp48r7HNH6DzC8UUWyNu4Jktm0"

// verify finds the user and checks the password. An unknown user costs the same
// work as a wrong password. At most two hashes run at once, so that log-ins do
// not take the processor from calls.
func (s *Server) verify(ctx context.Context, name, password string) (User, bool, error) {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return User{}, false, ErrUnavailable
	}
	u, known := s.cfg.Users(name)
	hash := u.PasswordHash
	if !known || ValidHash(hash) != nil {
		known, hash = false, decoy
	}
	match, err := VerifyPassword(hash, password)
	if err != nil {
		return User{}, false, err
	}
	return u, known && match, nil
}

// logOut is DELETE /cti/v1/session.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request, ses *session) error {
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	var err error
	if ses.user.Agent != "" && ses.user.has(cti.RoleAgent) {
		err = s.cfg.Agents.LogOut(ctx, ses.user.Agent)
	}
	if gone := s.sessions.end(ctx, ses); gone != nil {
		s.cfg.Logger.Error("session not removed from the journal", "error", gone)
	}
	s.audit(cti.Event{Agent: ses.user.Agent, Value: "log_out", Cause: causeOf(err)})
	s.cfg.Logger.Info("agent logged out", "agent", ses.user.Agent)
	s.endClients(byeLoggedOut, func(c *client) bool { return c.session == ses })
	s.setCookie(w, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// loggedOff ends the sessions of an agent who is logged out in the stream: by
// another of its own sessions, or because a colleague took its station.
func (s *Server) loggedOff(ctx context.Context, ev cti.Event) {
	for _, ses := range s.sessions.before(ev.Agent, ev.Seq) {
		if err := s.sessions.end(ctx, ses); err != nil {
			s.cfg.Logger.Error("session not removed from the journal", "error", err)
		}
		s.endClients(byeLoggedOut, func(c *client) bool { return c.session == ses })
	}
}

func (s *Server) setCookie(w http.ResponseWriter, token string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(s.cfg.Site.IPA), Value: token, Path: "/cti", MaxAge: maxAge, HttpOnly: true,
		Secure: s.cfg.SecureCookie, SameSite: http.SameSiteStrictMode})
}

// source is the address a request came from, an IPv6 one by its /64.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.To4() != nil {
		return host
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}

// validDevice accepts the user part of an address-of-record, or nothing.
func validDevice(d cti.DeviceID) bool {
	if len(d) > 64 {
		return false
	}
	for _, c := range []byte(d) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '+':
		default:
			return false
		}
	}
	return true
}
