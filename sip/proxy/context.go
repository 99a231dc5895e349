package proxy

// A stage is where the response context of a forked request is (RFC 3261 16.7).
//
//	              6xx, CANCEL: cancel all
//	+---------+ ------------------------> +---------+
//	| seeking |                           | closing |
//	+---------+ --- 2xx: pass, ---+       +---------+
//	  |     ^      cancel others  |         |     |
//	  |     | refused, or time    V    2xx  |     | all refused
//	  |     | is up: next    +-----------+  |     V
//	  |     +- targets       | connected |<-+  +------+
//	  |                      +-----------+     | over |
//	  +--- all refused, no more: best -------->+------+
//
// 1xx are passed on while seeking, 2xx always. What is left out is dropped.
type stage uint8

const (
	seeking stage = iota
	closing
	connected
	over
	stages
)

// A turn is what happens to a response context.
type turn uint8

const (
	rings     turn = iota // a 1xx above 100
	accepts               // a 2xx
	refuses               // 300 to 599, or no answer at all
	forbids               // 6xx: nobody there wants the call
	timeIsUp              // of the targets that were tried last
	cancelled             // the caller gives up
	turns
)

// A move is what the shell does, in the order of the constants.
type move uint8

const (
	pass   move = 1 << iota // send the response on to the caller
	keep                    // it is the answer if no better one comes (16.7 step 6)
	cancel                  // cancel all branches that are open
	next                    // forward to the next targets
	finish                  // answer with the best
)

// step is the response context. open says that a branch still owes its final response, after this
// turn; more that there are targets left which may be tried.
func step(s stage, t turn, open, more bool) (stage, move) {
	switch s {
	case seeking:
		return stepSeeking(t, open, more)
	case closing:
		switch t {
		case accepts:
			return connected, pass
		case refuses, forbids:
			if open {
				return closing, keep
			}
			return over, keep | finish
		}
	case connected, over:
		if t == accepts {
			return s, pass
		}
	}
	return s, 0
}

func stepSeeking(t turn, open, more bool) (stage, move) {
	switch t {
	case rings:
		return seeking, pass
	case accepts:
		return connected, pass | cancel
	case refuses:
		switch {
		case open:
			return seeking, keep
		case more:
			return seeking, keep | next
		}
		return over, keep | finish
	case forbids:
		if open {
			return closing, keep | cancel
		}
		return over, keep | finish
	case timeIsUp:
		if more {
			return seeking, cancel | next
		}
	case cancelled:
		if open {
			return closing, cancel
		}
		return over, finish
	}
	return seeking, 0
}

// better reports whether status a is a better answer than b, both final and none of them a 2xx
// (16.7 step 6): 6xx before all, then the lower class; within 4xx what tells the caller what to
// do, then what tells why; time-outs and what we cancelled ourselves last. b 0 is none.
func better(a, b int) bool {
	if b == 0 {
		return true
	}
	if class(a) != class(b) {
		return class(a) < class(b)
	}
	return within(a) < within(b)
}

func class(status int) int {
	if status >= 600 {
		return 0
	}
	return status / 100
}

func within(status int) int {
	switch status {
	case 401, 407:
		return 0
	case 415, 420, 484:
		return 1
	case 408:
		return 3
	case 487:
		return 4
	case 503:
		return 3
	}
	return 2
}
