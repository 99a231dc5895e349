package node

import (
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/trunk"
)

func TestPresented(t *testing.T) {
	carrier, mute := &trunk.Peer{CLI: "+3906828881"}, &trunk.Peer{}
	office := &trunk.Peer{Site: "c_f839", CLI: "+3906828881"}
	nobody := cti.Party{Withheld: true, Verified: true}
	cli := cti.Party{Number: "+3906828881", Verified: true}
	citizen := cti.Party{Number: "+390831000111", Verified: true}
	for name, tt := range map[string]struct {
		peer         *trunk.Peer
		caller, want cti.Party
	}{
		"citizen to a carrier":           {carrier, citizen, citizen},
		"citizen to an office":           {office, citizen, citizen},
		"service to a carrier":           {carrier, cti.Party{Number: "803001", Display: "Linea Amica", Verified: true}, cli},
		"service to an office":           {office, cti.Party{Number: "800840840"}, cli},
		"service without cli":            {mute, cti.Party{Number: "803001", Verified: true}, nobody},
		"extension to a carrier":         {carrier, cti.Party{Number: "1001", Verified: true}, cli},
		"extension to an office":         {office, cti.Party{Number: "1001", Display: "Banco 5", Verified: true}, cti.Party{Number: "1001", Display: "Banco 5", Verified: true}},
		"anonymous to a carrier":         {carrier, cti.Party{Withheld: true, Verified: true}, nobody},
		"anonymous with all to office":   {office, cti.Party{Number: "+390831000111", Display: "Rossi", Withheld: true, Verified: true}, nobody},
		"name to a carrier":              {carrier, cti.Party{Number: "+390831000111", Display: "Rossi"}, cti.Party{Number: "+390831000111"}},
		"name alone to an office":        {office, cti.Party{Display: "Banco 5"}, cti.Party{Display: "Banco 5"}},
		"name alone to a carrier":        {carrier, cti.Party{Display: "Banco 5"}, cti.Party{Withheld: true}},
		"service as a name to office":    {office, cti.Party{Number: "1001", Display: "803001"}, cti.Party{Number: "1001"}},
		"service as a name, no number":   {office, cti.Party{Display: "803001"}, cti.Party{Withheld: true}},
		"nobody to a carrier with a cli": {carrier, cti.Party{}, cti.Party{Withheld: true}},
	} {
		if got := presented(tt.peer, tt.caller); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

// A node whose journal does not write asks callers to try again, before anything
// begins.
func TestNoCallsWithoutAJournal(t *testing.T) {
	strangers(t, func(w *world) {
		office, n := w.raw(brindisiIP+":5060"), w.nodes["hub"].Node
		if err := n.store.Close(); err != nil {
			t.Fatal(err)
		}
		n.stream.Publish(cti.Event{Type: cti.EvStage})
		_ = n.stream.Sync(w.t.Context()) // returns when the write has failed
		res := office.final(office.request("INVITE", "sip:803001@10.0.0.1"))
		if res.StatusCode != 503 || res.GetHeader("Retry-After") == nil {
			t.Errorf("got\n%s", res)
		}
		if got := n.sw.Running(); got != 0 {
			t.Errorf("%d calls run", got)
		}
	})
}

// What leaves by the trunk of an office, and of a carrier, says who calls by its rules.
func TestIdentityOnTrunk(t *testing.T) {
	strangers(t, func(w *world) {
		brindisi, phone := w.raw(brindisiIP+":5060"), w.raw("10.0.4.1:5060")
		for _, tt := range []struct{ site, want string }{{"c_b180", "From: <sip:1001@"}, {"", "anonymous.invalid"}} {
			p, _ := w.nodes["hub"].trunks.Peer("brindisi")
			p.Site = tt.site
			for len(brindisi.in) > 0 {
				<-brindisi.in
			}
			phone.send(phone.authorized("1001", "INVITE", "sip:+390831000111@10.0.0.1"))
			time.Sleep(100 * time.Millisecond)
			var sent string
			for len(brindisi.in) > 0 {
				if b := string(<-brindisi.in); strings.HasPrefix(b, "INVITE") {
					sent = b
				}
			}
			if !strings.Contains(sent, tt.want) {
				t.Errorf("site %q: got\n%s", tt.site, sent)
			}
		}
	})
}
