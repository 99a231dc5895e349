package sdp_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lineaamica/la2/media/sdp"
)

// The answer takes rtcp-mux when it is offered and not else; a=rtcp counts for the host of the
// audio only.
func TestRTCP_RFC5761_5_1_1(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 13\r\n"
	tests := []struct {
		name, lines string
		mux         bool
		port        uint16
	}{
		{"neither", "", false, 0},
		{"multiplexed", "a=rtcp-mux\r\n", true, 0},
		{"another port", "a=rtcp:5001\r\n", false, 5001},
		{"another port, same host", "a=rtcp:5001 IN IP4 192.0.2.1\r\n", false, 5001},
		{"another host", "a=rtcp:5001 IN IP4 198.51.100.9\r\n", false, 0},
		{"no port", "a=rtcp:70000\r\na=rtcp:\r\n", false, 0},
	}
	local := sdp.Local{Addr: netip.MustParseAddrPort("192.0.2.9:20000")}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			offer, err := sdp.Parse([]byte(head + tt.lines))
			if err != nil {
				t.Fatal(err)
			}
			body, n, err := sdp.Answer(offer, local)
			if err != nil || n.RTCPMux != tt.mux || n.RTCP != tt.port || !n.Noise {
				t.Errorf("got %+v, %v", n, err)
			}
			if said := strings.Contains(string(body), "a=rtcp-mux\r\n"); said != tt.mux {
				t.Errorf("answer says rtcp-mux: %v", said)
			}
			if strings.Contains(string(sdp.Offer(local)), "rtcp-mux") {
				t.Error("an offer of ours asks for rtcp-mux")
			}
			if n, err := sdp.Accept(offer, local); err != nil || n.RTCPMux {
				t.Errorf("what was not offered is agreed: %+v, %v", n, err)
			}
		})
	}
}
