package engine

import (
	"slices"
	"strings"
)

// A line is the callers of one queue who require the same skills.
type line struct {
	queue   *queue
	skills  []string
	waiting heap[*caller]
	people  []*team // who may serve it
	backups []*team // who may when none of people can
}

// A team is the agents with the same queues, skills and backup flag.
type team struct {
	queues []string
	skills []string
	backup bool
	ready  heap[*agent] // eligible now, longest idle first
	lines  []*line
}

func (t *team) serves(l *line) bool {
	if !slices.Contains(t.queues, string(l.queue.ID)) {
		return false
	}
	for _, s := range l.skills {
		if _, ok := slices.BinarySearch(t.skills, s); !ok {
			return false
		}
	}
	return true
}

func (e *Engine) teamFor(a Agent) *team {
	queues := make([]string, len(a.Queues))
	for i, q := range a.Queues {
		queues[i] = string(q)
	}
	for _, t := range e.teams {
		if t.backup == a.Backup && slices.Equal(t.queues, queues) && slices.Equal(t.skills, a.Skills) {
			return t
		}
	}
	t := &team{queues: queues, skills: a.Skills, backup: a.Backup}
	e.teams = append(e.teams, t)
	return t
}

// lineFor finds or makes the line of q for skills, which are sorted.
func (e *Engine) lineFor(q *queue, skills []string) *line {
	key := string(q.ID)
	if len(skills) > 0 {
		key += "\x00" + strings.Join(skills, "\x00")
	}
	if l := e.lineOf[key]; l != nil {
		return l
	}
	l := &line{queue: q, skills: skills}
	e.lineOf[key] = l
	q.lines = append(q.lines, l)
	for _, t := range e.teams {
		if !t.serves(l) {
			continue
		}
		t.lines = append(t.lines, l)
		if t.backup {
			l.backups = append(l.backups, t)
			continue
		}
		l.people = append(l.people, t)
	}
	return l
}

// longestIdle is the agent who serves the next caller of l, nil if nobody can.
func (l *line) longestIdle() *agent {
	if a := firstReady(l.people); a != nil {
		return a
	}
	return firstReady(l.backups)
}

func firstReady(teams []*team) *agent {
	var best *agent
	for _, t := range teams {
		if len(t.ready) > 0 && (best == nil || t.ready[0].before(best)) {
			best = t.ready[0]
		}
	}
	return best
}

// next is the caller whom an agent of t serves next, nil if none waits.
func (t *team) next() *caller {
	var best *caller
	for _, l := range t.lines {
		if len(l.waiting) > 0 && (best == nil || l.waiting[0].before(best)) {
			best = l.waiting[0]
		}
	}
	return best
}

// place gives c an agent or lets it wait. c must be in no heap.
func (e *Engine) place(c *caller) {
	if a := c.line.longestIdle(); a != nil {
		a.team.ready.remove(a)
		e.offer(a, c)
		return
	}
	c.line.waiting.push(c)
	e.spill(c)
}

// settle brings a, whose state or device changed, into or out of the Ready heap
// of its team, or gives it a caller.
func (e *Engine) settle(a *agent) {
	if !e.eligible(a) {
		if a.pos >= 0 {
			a.team.ready.remove(a)
		}
		return
	}
	if a.pos >= 0 {
		return
	}
	if c := a.team.next(); c != nil {
		c.line.waiting.remove(c)
		e.offer(a, c)
		return
	}
	a.team.ready.push(a)
}
