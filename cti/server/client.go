package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

const (
	// writeWait is how long one frame may take; a client whose socket is full
	// for longer is gone.
	writeWait = 10 * time.Second
	// silence is how long a client may send nothing; it should every 15 s.
	silence = 60 * time.Second
	// boardPause is the least time between two frames with queue counts.
	boardPause = time.Second
	// clientFrame bounds what a client may send in one message.
	clientFrame = 512
)

// A frame is one message to a client.
type frame struct {
	Type     string          `json:"type"` // snapshot, event, tick, bye
	Position string          `json:"position,omitempty"`
	Snapshot *snapshot       `json:"snapshot,omitempty"`
	Event    *cti.Event      `json:"event,omitempty"`
	Queues   []snapshotQueue `json:"queues,omitempty"`
	Offices  []Office        `json:"offices,omitempty"`
	Reason   string          `json:"reason,omitempty"`
}

// Reasons of a bye.
const (
	byeLagged    = "lagged"
	byeShutdown  = "shutdown"
	byeLoggedOut = "logged_out"
)

// errLeft ends a client that was told bye.
var errLeft = errors.New("left")

// A client is one WebSocket. Its handler's goroutine writes; the desk puts
// events into the queue and never waits.
type client struct {
	s       *Server
	user    User
	session *session
	conn    *websocket.Conn

	queue chan cti.Event // Config.Queue long: what may wait for a slow socket
	quit  chan string    // one slot: the reason of the bye
	board uint64         // of the counts last sent
}

// offer queues ev for the client, or disconnects it when it is too slow. The
// desk's lock is held.
func (c *client) offer(ev cti.Event) {
	select {
	case c.queue <- redact(c.user.Agent, ev):
	default:
		c.bye(byeLagged)
	}
}

// bye asks the client's goroutine to end; the first reason counts.
func (c *client) bye(reason string) {
	select {
	case c.quit <- reason:
	default:
	}
}

// handleEvents is GET /cti/v1/events.
func (s *Server) handleEvents(w http.ResponseWriter, r *http.Request, ses *session) error {
	after, err := cti.ParsePosition(r.URL.Query().Get("after"))
	if err != nil {
		return badRequest("after: want EPOCH.SEQ")
	}
	if !s.enter() {
		return ErrUnavailable
	}
	defer s.handlers.Done()
	conn, err := websocket.Accept(w, r, nil) // same origin only
	if err != nil {
		return nil // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(clientFrame)
	c := &client{s: s, user: ses.user, session: ses, conn: conn,
		queue: make(chan cti.Event, s.cfg.Queue), quit: make(chan string, 1)}
	s.join(c)
	defer s.part(c)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	read := make(chan struct{})
	go func() { // ends when the connection is closed, by the client or CloseNow
		defer close(read)
		defer cancel()
		c.read(ctx)
	}()
	c.serve(ctx, after)
	conn.CloseNow()
	<-read
	return nil
}

// serve writes until the client goes or is told bye.
func (c *client) serve(ctx context.Context, after cti.Position) {
	defer c.detach()
	err := c.begin(ctx, after)
	if err == nil {
		err = c.follow(ctx)
	}
	if err != nil && !errors.Is(err, errLeft) && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		c.s.cfg.Logger.Debug("cti client ended", "user", c.user.Name, "error", err)
	}
}

// begin sends the snapshot, or the events that the client missed, and attaches
// the client to the desk without gap or overlap.
func (c *client) begin(ctx context.Context, after cti.Position) error {
	if after == (cti.Position{}) {
		return c.sendSnapshot(ctx)
	}
	r, err := c.s.cfg.Log.Subscribe(after)
	if err != nil || !c.s.desk.knows(c.user.Agent, after) {
		return c.sendSnapshot(ctx)
	}
	err = c.replay(ctx, r)
	if errors.Is(err, stream.ErrTooOld) {
		return c.sendSnapshot(ctx)
	}
	return err
}

// replay sends what concerns the client between its position and the desk's.
func (c *client) replay(ctx context.Context, r *stream.Reader) error {
	d := c.s.desk
	for {
		d.mu.Lock()
		end := d.pos.Seq
		if r.Position().Seq >= end {
			d.attach(c)
			pos := d.pos
			d.mu.Unlock()
			return c.write(ctx, c.tick(pos))
		}
		d.mu.Unlock()
		for r.Position().Seq < end {
			ev, err := r.Next(ctx)
			if err != nil {
				return err
			}
			select {
			case reason := <-c.quit:
				return c.leave(ctx, reason)
			default:
			}
			if !d.visible(c.user.Agent, &ev) {
				continue
			}
			if err := c.writeEvent(ctx, redact(c.user.Agent, ev)); err != nil {
				return err
			}
		}
	}
}

func (c *client) sendSnapshot(ctx context.Context) error {
	d := c.s.desk
	d.mu.Lock()
	snap := c.s.snapshot(c.user)
	pos := d.pos
	c.board = d.board
	d.attach(c)
	d.mu.Unlock()
	if pos.Epoch == "" {
		pos.Epoch = c.s.cfg.Log.Epoch()
	}
	return c.write(ctx, frame{Type: "snapshot", Position: pos.String(), Snapshot: &snap})
}

// follow sends events as they come, ticks in between.
func (c *client) follow(ctx context.Context) error {
	tick := time.NewTicker(c.s.cfg.Tick)
	defer tick.Stop()
	board := time.NewTicker(boardPause)
	defer board.Stop()
	for {
		select {
		case ev := <-c.queue:
			if err := c.writeEvent(ctx, ev); err != nil {
				return err
			}
		case <-tick.C:
			if !c.s.sessions.valid(c.session) {
				return c.leave(ctx, byeLoggedOut)
			}
			if pos, idle := c.idle(); idle {
				if err := c.write(ctx, c.tick(pos)); err != nil {
					return err
				}
			}
		case <-board.C:
			if pos, idle := c.idle(); idle && c.boardChanged() {
				if err := c.write(ctx, c.tick(pos)); err != nil {
					return err
				}
			}
		case reason := <-c.quit:
			return c.leave(ctx, reason)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave says bye, after what was queued unless the client was too slow.
func (c *client) leave(ctx context.Context, reason string) error {
	c.detach()
	for reason != byeLagged {
		select {
		case ev := <-c.queue:
			if err := c.writeEvent(ctx, ev); err != nil {
				return err
			}
			continue
		default:
		}
		break
	}
	if err := c.write(ctx, frame{Type: "bye", Reason: reason}); err != nil {
		return err
	}
	code := websocket.StatusNormalClosure
	switch reason {
	case byeLagged:
		code = websocket.StatusTryAgainLater
	case byeShutdown:
		code = websocket.StatusGoingAway
	}
	c.conn.Close(code, reason)
	return errLeft
}

// idle is the desk's position if everything up to it was sent.
func (c *client) idle() (cti.Position, bool) {
	c.s.desk.mu.Lock()
	defer c.s.desk.mu.Unlock()
	return c.s.desk.pos, len(c.queue) == 0
}

func (c *client) boardChanged() bool {
	c.s.desk.mu.Lock()
	defer c.s.desk.mu.Unlock()
	return c.board != c.s.desk.board
}

// tick is the frame of a position with the counts of now.
func (c *client) tick(pos cti.Position) frame {
	c.s.desk.mu.Lock()
	defer c.s.desk.mu.Unlock()
	c.board = c.s.desk.board
	return frame{Type: "tick", Position: pos.String(), Queues: c.s.queueCounts(c.user), Offices: c.s.offices()}
}

func (c *client) writeEvent(ctx context.Context, ev cti.Event) error {
	pos := cti.Position{Epoch: ev.Epoch, Seq: ev.Seq}
	return c.write(ctx, frame{Type: "event", Position: pos.String(), Event: &ev})
}

func (c *client) write(ctx context.Context, f frame) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, b)
}

// read takes the client's signs of life; anything else ends the connection.
func (c *client) read(ctx context.Context) {
	for {
		wait, cancel := context.WithTimeout(ctx, silence)
		kind, b, err := c.conn.Read(wait)
		cancel()
		if err != nil {
			return
		}
		var m struct {
			Type string `json:"type"`
		}
		if kind != websocket.MessageText || json.Unmarshal(b, &m) != nil || m.Type != "alive" {
			c.conn.Close(websocket.StatusPolicyViolation, "only alive is understood")
			return
		}
		if c.user.Agent != "" && c.s.sessions.valid(c.session) {
			c.s.cfg.Agents.Alive(c.user.Agent)
		}
	}
}

// attach begins to push to c. d.mu must be held.
func (d *desk) attach(c *client) {
	d.clients[c] = struct{}{}
	if c.user.Agent == "" {
		return
	}
	if d.byAgent[c.user.Agent] == nil {
		d.byAgent[c.user.Agent] = map[*client]struct{}{}
	}
	d.byAgent[c.user.Agent][c] = struct{}{}
}

func (c *client) detach() {
	d := c.s.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.clients, c)
	delete(d.byAgent[c.user.Agent], c)
	if len(d.byAgent[c.user.Agent]) == 0 {
		delete(d.byAgent, c.user.Agent)
	}
}

// knows tells whether the desk remembers all that concerned a after pos.
func (d *desk) knows(a cti.AgentID, pos cti.Position) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	cs := d.concerns[a]
	return pos.Seq <= d.pos.Seq && (cs == nil || pos.Seq+1 >= cs.floor)
}

func (d *desk) visible(a cti.AgentID, ev *cti.Event) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return visible(a, d.concerns[a], ev)
}
