package engine

import (
	"time"

	"github.com/lineaamica/la2/cti"
)

// An Engine holds queues, callers, agents and offers. Owned by one goroutine.
type Engine struct {
	cfg Config

	now     time.Time
	fence   cti.Fence // last given out
	arrival uint64    // of the last caller

	queues   []*queue // by id
	agents   []*agent // by id
	teams    []*team
	queueOf  map[cti.QueueID]*queue
	agentOf  map[cti.AgentID]*agent
	lineOf   map[string]*line
	callers  map[cti.CallID]*caller  // who wait or are being offered
	holders  map[cti.Fence]*agent    // of live offers and of conversations
	seats    map[cti.DeviceID]*agent // who sits where
	up       map[cti.DeviceID]bool   // devices with a binding
	seizures []*seizure              // as they came
	timers   heap[*timer]
	out      []Decision
}

// A queue counts what D.2 counts: offered = answered + abandoned + redirected +
// those who are in it.
type queue struct {
	Queue
	inside  int // callers waiting or being offered
	lines   []*line
	counted counters
}

type counters struct {
	Offered    int64 `json:"offered"`
	Answered   int64 `json:"answered"`
	Abandoned  int64 `json:"abandoned"`
	Redirected int64 `json:"redirected"`
}

// New makes an Engine as it is at now: static agents Ready, the others logged
// out. Fences start at now in milliseconds, above those of an earlier life.
func New(cfg Config, now time.Time) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := build(cfg)
	e.now = now.Round(0).UTC()
	e.fence = cti.Fence(max(now.UnixMilli(), 0))
	for _, a := range e.agents {
		if !a.Static {
			continue
		}
		a.state, a.since, a.idle = cti.AgentReady, e.now, e.now
		if a.Contact == "" {
			a.device = a.Device
			e.seats[a.device] = a
		}
		if e.eligible(a) {
			a.team.ready.push(a)
		}
	}
	return e, nil
}

// build makes the tables of cfg, everybody logged out.
func build(cfg Config) *Engine {
	cfg = cfg.withDefaults()
	e := &Engine{
		cfg:     cfg,
		queueOf: map[cti.QueueID]*queue{},
		agentOf: map[cti.AgentID]*agent{},
		lineOf:  map[string]*line{},
		callers: map[cti.CallID]*caller{},
		holders: map[cti.Fence]*agent{},
		seats:   map[cti.DeviceID]*agent{},
		up:      map[cti.DeviceID]bool{},
	}
	for _, q := range cfg.Queues {
		qu := &queue{Queue: q}
		e.queues = append(e.queues, qu)
		e.queueOf[q.ID] = qu
	}
	for i, c := range cfg.Agents {
		a := &agent{Agent: c, ord: i, pos: -1, state: cti.AgentLoggedOut}
		a.clock = timer{kind: timerState, rank: uint64(i), pos: -1, agent: a}
		a.lease = timer{kind: timerLease, rank: uint64(i), pos: -1, agent: a}
		a.team = e.teamFor(c)
		e.agents = append(e.agents, a)
		e.agentOf[c.ID] = a
	}
	return e
}

// Apply tells the engine that in happened at now and returns what follows. A now
// before that of an earlier Apply counts as that one. Deadlines that passed
// happen first. The slice is valid until the next Apply.
func (e *Engine) Apply(now time.Time, in Input) []Decision {
	e.out = e.out[:0]
	if now = now.Round(0).UTC(); now.After(e.now) {
		e.now = now
	}
	e.expire()
	switch in.Op {
	case OpTick:
	case OpEnter:
		e.enter(in)
	case OpLeave:
		e.leave(in.Call, in.Cause)
	case OpRedirected:
		e.redirected(in.Call, in.Target)
	case OpSpillEnded:
		e.spillEnded(in.Call)
	case OpRinging, OpAccept, OpReject, OpRelease, OpFinish:
		e.offerInput(in)
	case OpSeize, OpEngage, OpFree:
		e.seizureInput(in)
	case OpDeviceUp:
		e.deviceUp(in.Device)
	case OpDeviceDown:
		e.deviceDown(in.Device)
	default:
		e.agentInput(in)
	}
	e.partake()
	return e.out
}

// NextDeadline is when the engine wants a Tick; zero: never.
func (e *Engine) NextDeadline() time.Time {
	if len(e.timers) == 0 {
		return time.Time{}
	}
	return e.timers[0].at
}

func (e *Engine) decide(d Decision) { e.out = append(e.out, d) }

// Reasons of Refused.
const (
	RefusedUnknown = "unknown" // agent, queue or input
	RefusedState   = "state"   // not in this state
	RefusedTaken   = "taken"   // somebody works at that device
	RefusedFull    = "full"    // queue at its limit
	RefusedTwice   = "twice"   // the call waits already
)

func (e *Engine) refuse(in Input, reason string) {
	e.decide(Decision{Kind: Refused, Call: in.Call, Agent: in.Agent, Device: in.Device, Reason: reason})
}
