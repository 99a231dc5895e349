package b2bua

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/relay"
	"github.com/lineaamica/la2/media/sdp"
)

func TestPrefer(t *testing.T) {
	const a, u, g = media.PCMA, media.PCMU, media.G722
	for _, tt := range []struct{ list, spoken, want []media.Codec }{
		{nil, []media.Codec{a}, nil},
		{[]media.Codec{g, a, u}, nil, []media.Codec{g, a, u}},
		{[]media.Codec{g, a, u}, []media.Codec{u}, []media.Codec{u, g, a}},
		{[]media.Codec{g, a, u}, []media.Codec{u, a}, []media.Codec{a, u, g}},
		{[]media.Codec{a}, []media.Codec{g}, []media.Codec{a}},
	} {
		was := slices.Clone(tt.list)
		if got := prefer(tt.list, func(k media.Codec) bool { return slices.Contains(tt.spoken, k) }); !slices.Equal(got, tt.want) {
			t.Errorf("%v, spoken %v: %v, want %v", tt.list, tt.spoken, got, tt.want)
		}
		if !slices.Equal(was, tt.list) {
			t.Error("the list was changed")
		}
	}
}

// described is the description of p with the static payload types of pts.
func (p *phone) described(pts string) string {
	return fmt.Sprintf("v=0\no=x 1 1 IN IP4 %[1]s\ns=-\nc=IN IP4 %[1]s\nt=0 0\nm=audio 4000 RTP/AVP %[2]s\n", p.addr.Addr(), pts)
}

// offeredIn are the payload types of the description in m.
func offeredIn(t *testing.T, m sip.Message) string {
	t.Helper()
	s, err := sdp.Parse(m.Body())
	if err != nil {
		t.Fatal(err)
	}
	var pts []string
	for _, f := range s.Audio.Formats {
		pts = append(pts, strconv.Itoa(int(f.PT)))
	}
	return strings.Join(pts, " ")
}

// firstOf is what a telephone with the codecs has takes of an offer: RFC 3264 6.1
// wants the order of the offer kept.
func firstOf(offer, has string) string {
	for pt := range strings.FieldsSeq(offer) {
		if slices.Contains(strings.Fields(has), pt) {
			return pt
		}
	}
	return ""
}

// Both ends use the codec that both have, wide-band first; who shares none is
// transcoded for.
func TestCodecs_Negotiated(t *testing.T) {
	answered := func(ctx context.Context, c *Call) cti.Cause { // as in a queue: the caller first
		if err := c.Answer(ctx); err != nil {
			return causeIn(err, cti.CauseFailed)
		}
		leg, err := c.Dial(ctx, cti.Destination{Device: "1002", Ring: time.Minute})
		if err != nil {
			return causeIn(err, cti.CauseFailed)
		}
		_, cause := c.Talk(ctx, leg)
		return cause
	}
	for _, tt := range []struct {
		caller, agent string // codecs by payload type, best first
		offer         string // what the agent is offered in a queue
		queue, direct string // what caller and agent use
	}{
		{"9 8 0", "9 8 0", "9 8 0", "9 9", "9 9"},
		{"8 0 9", "9 8", "9 8 0", "9 9", "9 9"},
		{"9 8", "8", "9 8 0", "9 8", "8 8"}, // answered before the agent is known: transcoded
		{"9", "0", "9 8 0", "9 0", "9 0"},
		{"8", "9 8", "8 9 0", "8 8", "8 8"},
		{"8", "9", "8 9 0", "8 9", "8 9"},
		{"0", "9 8 0", "0 9 8", "0 0", "0 0"},
		{"0 8", "8 0", "8 9 0", "8 8", "8 8"},
		{"0", "8", "0 9 8", "0 8", "0 8"},
	} {
		for name, script := range map[string]func(context.Context, *Call) cti.Cause{"queue": answered, "direct": connect} {
			t.Run(fmt.Sprintf("%s/%s with %s", name, tt.caller, tt.agent), func(t *testing.T) {
				scenario(t, script, func(w *world) {
					w.sw.cfg.Codecs = func(string) []media.Codec { return []media.Codec{media.G722, media.PCMA, media.PCMU} }
					caller, agent := w.phone("1050"), w.phone("1002")
					caller.dial("1002", caller.described(tt.caller))
					if name == "queue" {
						caller.expect("200")
						caller.ack("")
					}
					invite := agent.expect("INVITE").(*sip.Request)
					offer := offeredIn(t, invite)
					if name == "queue" && offer != tt.offer {
						t.Errorf("the agent is offered %s, want %s", offer, tt.offer)
					}
					agent.reply(invite, 200, agent.described(firstOf(offer, tt.agent)))
					agent.expect("ACK")
					if name == "direct" {
						caller.expect("200")
						caller.ack("")
					}
					time.Sleep(10 * time.Millisecond)
					first := relay.LegID(1) // in a direct call the port of who is rung is opened first
					if name == "direct" {
						first = 2
					}
					want := map[string]string{"queue": tt.queue, "direct": tt.direct}[name]
					if got := fmt.Sprintf("%d %d", w.media.remote(first).SendPT, w.media.remote(3-first).SendPT); got != want {
						t.Errorf("they use %s, want %s", got, want)
					}
					agent.cseq = 100 // hold and back: nobody changes codec
					agent.request("INVITE", agent.described(tt.agent)+"a=sendonly\n")
					res := agent.expect("200")
					agent.ack("")
					if got, was := offeredIn(t, res), strings.Fields(want)[1]; got != was {
						t.Errorf("after a re-INVITE the agent uses %s, before %s", got, was)
					}
					caller.request("BYE", "")
					caller.expect("200")
					agent.reply(agent.expect("BYE").(*sip.Request), 200, "")
				})
			})
		}
	}
}
