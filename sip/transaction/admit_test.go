package transaction

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// While Admit refuses, new work gets a 503 that leaves nothing behind; what belongs to a call, and
// what is urgent, goes on.
func TestAdmit(t *testing.T) {
	open := true
	cfg := Config{Admit: func(flow.Flow) bool { return open }, Urgent: func(m *wire.Message) bool { return strings.Contains(string(m.RequestURI()), "sip:112@") }}
	bubble(t, cfg, func(h *harness) {
		h.tu.onRequest = func(s *Server) {
			if s.Request().Method != sip.INVITE {
				s.Respond(200, "")
			}
		}
		h.receive(udpFlow, incoming("INVITE", "i", 1))
		h.wantTold("request INVITE")
		h.sent()
		open = false
		for i, method := range []string{"INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "MESSAGE"} {
			h.receive(udpFlow, incoming(method, "n"+method, 10+i))
			if got := h.sent(); len(got) == 0 || got[len(got)-1].start() != "SIP/2.0 503 Service Unavailable" || got[len(got)-1].header("Retry-After") != "5" {
				t.Errorf("%s: got %v", method, got)
			}
		}
		h.wantTold()
		if s := h.l.Stats(); s.Shed != 5 || s.Servers != 1 {
			t.Errorf("stats %+v", s)
		}
		h.receive(udpFlow, incoming("INVITE", "i", 1)) // repeated
		for i, method := range []string{"INVITE", "BYE", "UPDATE", "INFO", "OPTIONS"} {
			h.receive(udpFlow, incoming(method, "d"+method, 20+i, "To: <sip:a@b>;tag=t"))
		}
		h.receive(udpFlow, strings.Replace(incoming("INVITE", "e", 30), "INVITE sip:803001@", "INVITE sip:112@", 1))
		h.receive(udpFlow, incoming("CANCEL", "i", 1))
		h.wantTold("request INVITE", "request BYE", "request UPDATE", "request INFO", "request OPTIONS", "request INVITE", "cancel")
		for _, p := range h.sent() {
			if strings.Contains(p.start(), "503") {
				t.Errorf("refused:\n%s", p.text)
			}
		}
		open = true
		h.receive(udpFlow, incoming("REGISTER", "nREGISTER", 11)) // the client comes again
		h.wantTold("request REGISTER")
	})
}
