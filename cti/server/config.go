package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

// Config of a Server. Log, Site, Users, Agents, Calls and Tickets are needed;
// the zero value of the rest works.
type Config struct {
	Site Site
	// Log is the stream it serves and writes its audit events to.
	Log *stream.Log
	// Users finds a user by log-in name. It must be fast and safe for
	// concurrent use; a reload may change its answers.
	Users func(name string) (User, bool)
	// QueuesOf are the queues an agent serves; for the counts of the status.
	// Default: those of the user with the agent's name.
	QueuesOf func(cti.AgentID) []cti.QueueID
	// Queues are shown also while nothing happened in them.
	Queues []cti.QueueID
	// Offices are where an agent may transfer to; Trunk says which trunk
	// leads there (up or down in the snapshot).
	Offices []Office
	// Trunks are shown as down until their first event.
	Trunks []string
	// TrunkDetail says more of a trunk, for the status. Nil: nothing.
	TrunkDetail func(name string) TrunkDetail
	// Reasons of not ready. Default pausa, formazione, back_office, altro.
	Reasons []string
	// Taxonomy is served as JSON by GET /cti/v1/taxonomy.
	Taxonomy any

	Agents  Agents
	Calls   Calls
	Tickets Tickets

	// Sessions keeps log-ins over a restart; nil: they end with the process.
	Sessions cti.Projection
	// SessionLife is how long a log-in lasts. Default 12h, 1h to 24h.
	SessionLife time.Duration
	// StatusToken lets GET /cti/v1/status from the loopback address in, as
	// "Authorization: Bearer TOKEN". Empty: supervisors only.
	StatusToken string
	// SecureCookie marks the cookie Secure: set it behind TLS.
	SecureCookie bool

	// Desktop is what `/` serves: index.html and its assets. Nil: 404.
	Desktop fs.FS
	// Policy is the Content-Security-Policy. Default: everything from the node
	// itself, images also as data URLs, no framing.
	Policy string
	// Metrics serves /metrics. Nil: 404.
	Metrics http.Handler
	// Bans lists the banned sources for the status, Unban ends one: false when
	// there is none. Default: there are none.
	Bans  func() []BanStatus
	Unban func(netip.Addr) bool
	// Ready are the checks of /readyz.
	Ready []Check

	// Queue is how many frames one client may be behind before it is
	// disconnected with "lagged". Default 256.
	Queue int
	// Tick is how often an idle client hears its position. Default 10s.
	Tick time.Duration
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
	// Logger gets errors and one line per log-in and log-out. Default: discarded.
	Logger *slog.Logger
}

// A Site is the office as shown to people.
type Site struct {
	IPA  cti.SiteID `json:"ipa"`
	Name string     `json:"name"`
}

// An Office is another office an agent may transfer a caller to.
type Office struct {
	IPA    cti.SiteID `json:"ipa"`
	Name   string     `json:"name"`
	Number string     `json:"number"`
	Trunk  string     `json:"-"`
	Up     bool       `json:"up"` // set by the server
}

// A User may log in.
type User struct {
	Name     string // log-in name, as in the file
	FullName string
	// PasswordHash is what HashPassword made.
	PasswordHash string
	Roles        []cti.Role
	// Agent is the agent that the user is; "" for a supervisor without calls.
	Agent cti.AgentID
	// Device is the station proposed when the log-in names none.
	Device cti.DeviceID
	Queues []cti.QueueID
}

// A Check is one condition of readiness. Func must return within its context.
type Check struct {
	Name string
	Func func(context.Context) error
}

// Errors that the dependencies return and clients see by their status;
// anything else is 500 and logged. Wrap them freely: clients never see texts.
// A *cti.Failure is understood too: forbidden 403, not_found 404, overload,
// unreachable and shutdown 503, failed 500, every other cause 409 with the
// cause as detail.
var (
	ErrNotFound     = errors.New("not found")              // 404
	ErrForbidden    = errors.New("forbidden")              // 403
	ErrIllegalState = errors.New("illegal state")          // 409
	ErrStale        = errors.New("stale revision")         // 412
	ErrUnavailable  = errors.New("not available now")      // 503
	ErrBadRequest   = errors.New("request not understood") // 400
)

// ErrOwnStation is ErrIllegalState with a title of its own: a transfer to the
// station of the agent who orders it.
var ErrOwnStation = fmt.Errorf("%w: own station", ErrIllegalState)

// Invalid is a request whose fields are missing or wrong: 422 with their names.
type Invalid struct{ Fields []string }

func (e *Invalid) Error() string { return fmt.Sprintf("invalid fields: %v", e.Fields) }

// Agents is what the server commands of the floor. The context ends when the
// client goes or after 10 s.
type Agents interface {
	// LogIn makes the agent not ready at the device. Logging in again moves it.
	LogIn(ctx context.Context, a cti.AgentID, d cti.DeviceID) error
	LogOut(ctx context.Context, a cti.AgentID) error
	// SetState is AgentReady or AgentNotReady with a reason; during a call it
	// is the pending next state.
	SetState(ctx context.Context, a cti.AgentID, s cti.AgentState, reason string) error
	SetDevice(ctx context.Context, a cti.AgentID, d cti.DeviceID) error
	// Alive renews the agent's lease. It must not block.
	Alive(a cti.AgentID)
}

// Calls is what the server commands of calls; leg is the agent's own.
type Calls interface {
	Hold(ctx context.Context, call cti.CallID, leg cti.LegID) error
	Retrieve(ctx context.Context, call cti.CallID, leg cti.LegID) error
	// Transfer returns when the transfer began; its end is an event.
	Transfer(ctx context.Context, call cti.CallID, leg cti.LegID, to Target) error
	// Emergency hands the caller over to 112, as Transfer does.
	Emergency(ctx context.Context, call cti.CallID, leg cti.LegID) error
	Hangup(ctx context.Context, call cti.CallID, leg cti.LegID) error
	// Consult is Transfer in two steps: the agent talks with the target first.
	// Complete hands the caller over, Swap changes with whom the agent talks, and
	// Retrieve takes the caller back.
	Consult(ctx context.Context, call cti.CallID, leg cti.LegID, to Target) error
	Complete(ctx context.Context, call cti.CallID, leg cti.LegID) error
	Swap(ctx context.Context, call cti.CallID, leg cti.LegID) error
	// Answer makes the telephone at device answer the call that rings there.
	Answer(ctx context.Context, call cti.CallID, device cti.DeviceID) error
}

// A Target of a transfer: exactly one field is set.
type Target struct {
	Office cti.SiteID `json:"office,omitempty"`
	Number string     `json:"number,omitempty"`
}

// Tickets is what the server asks of the tickets. Rights are checked by the
// server before; revision is that of If-Match, and ErrStale when it is not the
// ticket's.
type Tickets interface {
	Get(ctx context.Context, id cti.TicketID) (Ticket, error)
	Transition(ctx context.Context, id cti.TicketID, revision int64, t Transition) (Ticket, error)
	Edit(ctx context.Context, id cti.TicketID, revision int64, e Edit) (Ticket, error)
	// Tracking makes the code and PIN once; again it returns the code only.
	Tracking(ctx context.Context, id cti.TicketID) (Tracking, error)
}

func (c *Config) withDefaults() error {
	if c.Log == nil || c.Users == nil || c.Agents == nil || c.Calls == nil || c.Tickets == nil {
		return errors.New("server: config: Log, Users, Agents, Calls and Tickets are needed")
	}
	if c.Reasons == nil {
		c.Reasons = []string{"pausa", "formazione", "back_office", "altro"}
	}
	if c.SessionLife <= 0 {
		c.SessionLife = 12 * time.Hour
	}
	if c.Policy == "" {
		c.Policy = defaultPolicy
	}
	if c.Queue <= 0 {
		c.Queue = 256
	}
	if c.Tick <= 0 {
		c.Tick = 10 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Bans == nil {
		c.Bans = func() []BanStatus { return []BanStatus{} }
	}
	if c.Unban == nil {
		c.Unban = func(netip.Addr) bool { return false }
	}
	if c.QueuesOf == nil {
		c.QueuesOf = func(a cti.AgentID) []cti.QueueID {
			u, _ := c.Users(string(a))
			return u.Queues
		}
	}
	return nil
}
