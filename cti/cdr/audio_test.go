package cdr_test

import (
	"testing"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/cdr"
)

// The record keeps how the audio of each leg was.
func TestAudio(t *testing.T) {
	quality := func(lost uint64) func(*cti.Event) {
		return func(ev *cti.Event) { ev.Quality = &cti.Quality{Expected: 100, Lost: lost, MOS: 4} }
	}
	h := (&history{call: "C"}).at(0, cti.EvOffered, info).at(1, cti.EvAnswered).
		at(3, cti.EvConnectionCleared, leg(3)).
		at(5, cti.EvConnectionCleared, leg(2), quality(2)).
		at(5, cti.EvConnectionCleared, leg(1), quality(1)).
		at(5, cti.EvCallCleared, cause(cti.CauseNormal))
	var tr cdr.Tracker
	var r *cdr.Record
	for _, ev := range h.evs {
		r, _ = tr.Apply(ev)
	}
	if r == nil || len(r.Audio) != 2 || r.Audio[0].Leg != "C/2" || r.Audio[0].Lost != 2 || r.Audio[1].Leg != "C/1" || r.Audio[1].MOS != 4 {
		t.Errorf("got %+v", r)
	}
}
