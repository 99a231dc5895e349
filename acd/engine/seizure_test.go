package engine

import (
	"testing"

	"github.com/lineaamica/la2/cti"
)

// colleagues: a talks with c, which it hands to the station of b.
func colleagues(t *testing.T, ready ...cti.AgentID) (*bench, cti.Fence) {
	b := newBench(t, two())
	b.ready("a")
	b.enter("c", "q")
	o := b.offer().Offer
	b.do(Input{Op: OpAccept, Offer: o})
	b.ready(ready...)
	b.do(Input{Op: OpSeize, Device: "dev-b", Call: "c"})
	return b, o
}

// Whoever is rung or talks past the queues is offered nobody, and is free after
// every ending.
func TestSeizureEndings(t *testing.T) {
	engage := Input{Op: OpEngage, Device: "dev-b", Call: "c", Leg: "c/3"}
	free := Input{Op: OpFree, Device: "dev-b", Call: "c"}
	left := Input{Op: OpFree, Device: "dev-b", Call: "c", Leg: "c/3"}
	for _, tt := range []struct {
		name, want, state string
		in                []Input
	}{
		{"rings", "", "reserved", nil},
		{"talks", "state c b talking", "talking", []Input{engage}},
		{"nobody answers", "state b ready; state d b reserved; offered d b", "reserved", []Input{free}},
		{"a leg that is not its own leaves", "stale c free", "reserved", []Input{{Op: OpFree, Device: "dev-b", Call: "c", Leg: "c/2"}}},
		{"talks and leaves", "state c b wrap_up", "wrap_up", []Input{engage, left}},
		{"leaves twice", "stale c free", "wrap_up", []Input{engage, left, left}},
		{"asks for a pause", "state b not_ready pausa", "not_ready(pausa)", []Input{{Op: OpNotReady, Agent: "b", Reason: "pausa"}, free}},
		{"logs out while it rings", "state b logged_out", "logged_out", []Input{{Op: OpLogOut, Agent: "b"}}},
		{"logs out while it talks", "state b logged_out", "logged_out", []Input{engage, {Op: OpLogOut, Agent: "b"}, left}},
		{"loses its station", "state b ready", "ready", []Input{{Op: OpDeviceDown, Device: "dev-b"}, free}},
		{"is not pushed off", "refused a taken", "reserved", []Input{{Op: OpNotReady, Agent: "a"}, {Op: OpLogIn, Agent: "a", Device: "dev-b"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, o := colleagues(t, "b")
			b.want("state c b reserved")
			b.enter("d", "q")
			b.want("queued d")
			b.got = nil
			if tt.name == "is not pushed off" {
				b.do(Input{Op: OpFinish, Offer: o})
			}
			for _, in := range tt.in {
				b.do(in)
			}
			b.want(tt.want)
			b.wantState("b", tt.state)
			if err := b.e.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A colleague who is not Ready is so again afterwards.
func TestSeizureOfTheNotReady(t *testing.T) {
	b, o := colleagues(t, "b")
	b.do(Input{Op: OpFree, Device: "dev-b", Call: "c"})
	b.do(Input{Op: OpNotReady, Agent: "b", Reason: "pausa"})
	b.do(Input{Op: OpSeize, Device: "dev-b", Call: "c"})
	b.want("state c b reserved; pending c b not_ready pausa")
	b.do(Input{Op: OpEngage, Device: "dev-b", Call: "c", Leg: "c/3"})
	b.do(Input{Op: OpFinish, Offer: o})
	b.do(Input{Op: OpFree, Device: "dev-b", Call: "c", Leg: "c/3"})
	b.wantState("b", "wrap_up")
	b.wait(DefaultWrapUp)
	b.wantState("b", "not_ready(pausa)")
}

// A station that rings while its agent is engaged takes it when it is free, and
// not before.
func TestSeizureWaitsForTheAgent(t *testing.T) {
	b, _ := colleagues(t) // b is logged out
	b.want("")
	b.do(Input{Op: OpDeviceUp, Device: "dev-b"})
	b.do(Input{Op: OpLogIn, Agent: "b", Device: "dev-b"})
	b.want("state b not_ready login; state c b reserved; pending c b not_ready login")
	b.do(Input{Op: OpFree, Device: "dev-b", Call: "c"})
	b.do(Input{Op: OpReady, Agent: "b"})
	b.enter("d", "q")
	o := b.offer().Offer
	b.do(Input{Op: OpSeize, Device: "dev-b", Call: "c"})
	b.want("")
	b.do(Input{Op: OpAccept, Offer: o})
	b.do(Input{Op: OpFinish, Offer: o})
	b.want("finished d b; state d b wrap_up")
	b.do(Input{Op: OpReady, Agent: "b"})
	b.want("state b ready; state c b reserved")
}

// A call from desk to desk keeps its agents busy; there is nothing to write up.
func TestSeizureOfNoQueue(t *testing.T) {
	b := newBench(t, two())
	b.ready("a", "b")
	for _, d := range []cti.DeviceID{"dev-a", "dev-b"} {
		b.do(Input{Op: OpSeize, Device: d, Call: "z"})
		b.do(Input{Op: OpEngage, Device: d, Call: "z", Leg: "z/2"})
	}
	b.enter("c", "q")
	b.want("queued c")
	b.do(Input{Op: OpFree, Device: "dev-b", Call: "z", Leg: "z/2"})
	b.want("state b ready; state c b reserved; offered c b")
}
