package node

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A scenario is one file of testdata/scenario: a sentence with its RFC sections,
// settings, and steps with a time.
//
//	# A caller leaves while the agent's telephone rings (RFC 3261 9.1).
//	for t in -5ms..5ms                    runs it once for each value of t
//	network napoli                        a second node, joined by a trunk
//	set ring 5s                           see settings
//	agents a1 a2                          stations registered, logged in and ready
//	at 0s     caller > INVITE 803001      sends
//	          caller < 200                waits for that, and acknowledges it
//	at 4s     caller # dtmf 0             does
//	at 10s+t  caller > BYE
//	at 12s    expect agent a1 ready       what must be so then
//	finally                               all timers have run out
//	          expect cdr count=1 cause=abandoned
//
// A step without a time follows the one above it. Times sort the steps.
type scenario struct {
	name     string
	sentence string
	from, to time.Duration // of t
	step     time.Duration
	napoli   bool
	settings []scriptLine
	agents   []string
	blocks   []block
	final    []scriptLine
	watch    func(*world) // sees the world before it begins; may be nil
}

// A block is the steps of one time.
type block struct {
	at    time.Duration
	signs int // of t: -1, 0, 1
	lines []scriptLine
}

func (b block) when(t time.Duration) time.Duration { return b.at + time.Duration(b.signs)*t }

type scriptLine struct {
	no    int
	words []string
}

func (l scriptLine) String() string { return strings.Join(l.words, " ") }

// at are the words from the n-th on, "" beyond the end.
func (l scriptLine) word(n int) string {
	if n < len(l.words) {
		return l.words[n]
	}
	return ""
}

// option is the value of NAME=VALUE among the words.
func (l scriptLine) option(name string) (string, bool) {
	for _, w := range l.words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

func (l scriptLine) has(word string) bool { return slices.Contains(l.words, word) }

func parseScenario(name, text string) (*scenario, error) {
	s := &scenario{name: name, step: time.Millisecond}
	if !strings.HasPrefix(text, "# ") || !strings.Contains(strings.SplitN(text, "\n", 2)[0], ".") {
		return nil, fmt.Errorf("%s: opens with no sentence", name)
	}
	final := false
	for no, raw := range strings.Split(text, "\n") {
		if no == 0 {
			s.sentence = strings.TrimPrefix(raw, "# ")
		}
		if i := strings.Index(raw, "//"); i >= 0 {
			raw = raw[:i]
		}
		l := scriptLine{no: no + 1, words: strings.Fields(raw)}
		if len(l.words) == 0 || l.words[0] == "#" {
			continue
		}
		if l.words[0] == "finally" {
			final = true
			if l.words = l.words[1:]; len(l.words) == 0 {
				continue
			}
		}
		if final {
			s.final = append(s.final, l)
			continue
		}
		if err := s.parse(l); err != nil {
			return nil, fmt.Errorf("%s:%d: %s: %w", name, l.no, l, err)
		}
	}
	slices.SortStableFunc(s.blocks, func(a, b block) int { return int(a.at - b.at) })
	return s, nil
}

func (s *scenario) parse(l scriptLine) error {
	switch l.words[0] {
	case "for": // for t in -5ms..5ms
		from, to, ok := strings.Cut(l.word(3), "..")
		if !ok {
			return fmt.Errorf("want: for t in FROM..TO")
		}
		var err error
		if s.from, err = time.ParseDuration(from); err != nil {
			return err
		}
		s.to, err = time.ParseDuration(to)
		return err
	case "network":
		s.napoli = l.word(1) == "napoli"
		return nil
	case "set":
		s.settings = append(s.settings, l)
		return nil
	case "agents":
		s.agents = append(s.agents, l.words[1:]...)
		return nil
	case "at":
		b, err := parseTime(l.word(1))
		if err != nil {
			return err
		}
		s.blocks = append(s.blocks, b)
		l.words = l.words[2:]
	}
	if len(s.blocks) == 0 {
		return fmt.Errorf("a step before the first time")
	}
	b := &s.blocks[len(s.blocks)-1]
	if len(l.words) > 0 {
		b.lines = append(b.lines, l)
	}
	return nil
}

// parseTime reads 10s, 10s+t, 10s-t.
func parseTime(w string) (b block, err error) {
	if v, ok := strings.CutSuffix(w, "+t"); ok {
		w, b.signs = v, 1
	} else if v, ok := strings.CutSuffix(w, "-t"); ok {
		w, b.signs = v, -1
	}
	b.at, err = time.ParseDuration(w)
	return b, err
}

// times are the values of t.
func (s *scenario) times() []time.Duration {
	out := []time.Duration{s.from}
	for t := s.from + s.step; t <= s.to; t += s.step {
		out = append(out, t)
	}
	return out
}

// order is the blocks by their time for a value of t.
func (s *scenario) order(t time.Duration) []block {
	out := slices.Clone(s.blocks)
	slices.SortStableFunc(out, func(a, b block) int { return int(a.when(t) - b.when(t)) })
	return out
}
