package proxy

import (
	"slices"
	"testing"
)

// The table of the response context: every stage, turn and circumstance.
func TestStep_RFC3261_16_7(t *testing.T) {
	t.Parallel()
	const any = -1
	type row struct {
		s          stage
		t          turn
		open, more int // 0, 1 or any
		want       stage
		moves      move
	}
	rows := []row{
		{seeking, rings, any, any, seeking, pass},
		{seeking, accepts, any, any, connected, pass | cancel},
		{seeking, refuses, 1, any, seeking, keep},
		{seeking, refuses, 0, 1, seeking, keep | next},
		{seeking, refuses, 0, 0, over, keep | finish},
		{seeking, forbids, 1, any, closing, keep | cancel},
		{seeking, forbids, 0, any, over, keep | finish},
		{seeking, timeIsUp, any, 1, seeking, cancel | next},
		{seeking, timeIsUp, any, 0, seeking, 0},
		{seeking, cancelled, 1, any, closing, cancel},
		{seeking, cancelled, 0, any, over, finish},
		{closing, rings, any, any, closing, 0},
		{closing, accepts, any, any, connected, pass},
		{closing, refuses, 1, any, closing, keep},
		{closing, refuses, 0, any, over, keep | finish},
		{closing, forbids, 1, any, closing, keep},
		{closing, forbids, 0, any, over, keep | finish},
		{closing, timeIsUp, any, any, closing, 0},
		{closing, cancelled, any, any, closing, 0},
		{connected, rings, any, any, connected, 0},
		{connected, accepts, any, any, connected, pass},
		{connected, refuses, any, any, connected, 0},
		{connected, forbids, any, any, connected, 0},
		{connected, timeIsUp, any, any, connected, 0},
		{connected, cancelled, any, any, connected, 0},
		{over, rings, any, any, over, 0},
		{over, accepts, any, any, over, pass},
		{over, refuses, any, any, over, 0},
		{over, forbids, any, any, over, 0},
		{over, timeIsUp, any, any, over, 0},
		{over, cancelled, any, any, over, 0},
	}
	fits := func(want int, got bool) bool { return want == any || (want == 1) == got }
	for s := range stages {
		for tn := range turns {
			for i := range 4 {
				open, more := i&1 == 1, i&2 == 2
				found := 0
				for _, r := range rows {
					if r.s != s || r.t != tn || !fits(r.open, open) || !fits(r.more, more) {
						continue
					}
					found++
					if got, moves := step(s, tn, open, more); got != r.want || moves != r.moves {
						t.Errorf("step(%d, %d, %v, %v) = %d, %b; want %d, %b", s, tn, open, more, got, moves, r.want, r.moves)
					}
				}
				if found != 1 {
					t.Errorf("%d rows for stage %d, turn %d, open %v, more %v", found, s, tn, open, more)
				}
			}
		}
	}
}

// better is a strict order that agrees with 16.7 step 6.
func TestBetter_RFC3261_16_7(t *testing.T) {
	t.Parallel()
	order := [][]int{{600, 603, 604}, {300, 302}, {401, 407}, {415, 420, 484}, {404, 480, 486, 488}, {408}, {487}, {500, 504, 513}, {503}}
	for i, group := range order {
		for _, a := range group {
			if !better(a, 0) {
				t.Errorf("%d is not better than nothing", a)
			}
			for j, others := range order {
				for _, b := range others {
					if got, want := better(a, b), i < j; got != want {
						t.Errorf("better(%d, %d) = %v, want %v", a, b, got, want)
					}
				}
			}
		}
	}
	all := slices.Concat(order...)
	slices.SortStableFunc(all, func(a, b int) int {
		if better(a, b) {
			return -1
		}
		if better(b, a) {
			return 1
		}
		return 0
	})
	if !slices.Equal(all, slices.Concat(order...)) {
		t.Errorf("sorted: %v", all)
	}
}
