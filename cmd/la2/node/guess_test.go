package node

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/sip/digest"
)

// Who guesses passwords, by REGISTER and INVITE in turn, is soon refused with the
// right one too, in the words of a wrong one; others do not notice.
func TestPasswordGuessing(t *testing.T) {
	strangers(t, func(w *world) {
		guesser, neighbour := w.raw("10.0.9.9:5060"), w.raw("10.0.8.9:5060")
		try := func(r *raw, method, uri, password string) int {
			lines := []string{"From: <sip:1001@10.0.0.1>;tag=m", "To: <sip:1001@10.0.0.1>"}
			res := r.final(r.request(method, uri, lines...))
			if res.StatusCode != 401 {
				t.Fatalf("%s without credentials: %d", method, res.StatusCode)
			}
			c := digest.Client{User: "1001", Password: password}
			auth, err := c.Answer(method, uri, "", []string{res.GetHeader("WWW-Authenticate").Value()})
			if err != nil {
				t.Fatal(err)
			}
			return r.final(r.request(method, uri, append(lines, "Authorization: "+auth)...)).StatusCode
		}
		for i := range 5 {
			if s := try(guesser, "REGISTER", "sip:10.0.0.1", "guess"); s != 401 {
				t.Errorf("guess %d: %d", i, s)
			}
			if s := try(guesser, "INVITE", "sip:9999@10.0.0.1", "guess"); s != 403 {
				t.Errorf("guess %d: %d", i, s)
			}
		}
		if s := try(guesser, "REGISTER", "sip:10.0.0.1", "demo-1001"); s != 401 {
			t.Errorf("right password: %d", s)
		}
		if s := try(guesser, "INVITE", "sip:9999@10.0.0.1", "demo-1001"); s != 403 {
			t.Errorf("right password: %d", s)
		}
		if s := try(neighbour, "REGISTER", "sip:10.0.0.1", "demo-1001"); s != 200 {
			t.Errorf("neighbour: %d", s)
		}
		hub := w.nodes["hub"]
		listed := slices.ContainsFunc(hub.banned(), func(b server.BanStatus) bool { return b.Source == "10.0.9.0/24" && b.Reason == "passwords" })
		if !listed {
			t.Errorf("the status shows %+v", hub.banned())
		}
		if !hub.unban(netip.MustParseAddr("10.0.9.9")) || try(guesser, "REGISTER", "sip:10.0.0.1", "demo-1001") != 200 {
			t.Error("not let in again")
		}
	})
}
