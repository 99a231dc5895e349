package b2bua

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// Loops of back-to-back user agents (RFC 7332) end in two ways. Max-Forwards goes
// down through us. Between offices a header lists who passed the call on, as
// tokens that mean something to their maker alone:
//
//	LA2-Hops: 3KQ7XZ2MPA 803001, R5T2V9WQ4B +390810002222
//
// A call may come back once, because a transfer or an overflow may return; the
// second time for the same number it is a loop (482). A list that is too long is 483.
const hopsHeader = "LA2-Hops"

const (
	maxReturns = 1  // how often a call may come back for the same number
	maxHopList = 16 // offices that may pass one call on
)

// hopList reads the list of an INVITE.
func hopList(req *sip.Request) []string {
	var list []string
	for _, h := range req.GetHeaders(hopsHeader) {
		for one := range strings.SplitSeq(h.Value(), ",") {
			if one = strings.TrimSpace(one); one != "" {
				list = append(list, one)
			}
		}
	}
	return list
}

// looped is the status that ends a call which goes round, 0 for none. mine is our
// entry for it.
func looped(list []string, mine string) int {
	n := 0
	for _, one := range list {
		if one == mine {
			n++
		}
	}
	switch {
	case n > maxReturns:
		return sip.StatusLoopDetected
	case len(list) >= maxHopList:
		return sip.StatusTooManyHops
	}
	return 0
}

// hop is our entry in the list for a call to dialled.
func (s *Switch) hop(dialled string) string { return s.token + " " + userPart(dialled) }

// round refuses an INVITE that goes round. Only offices write the list.
func (s *Switch) round(req *sip.Request, in cti.Inbound) int {
	if h := req.MaxForwards(); h != nil && *h == 0 {
		return sip.StatusTooManyHops
	}
	if in.From == "" {
		return 0
	}
	return looped(hopList(req), s.hop(in.Dialled))
}

// passOn writes the list into an INVITE to an office.
func (c *Call) passOn(req *sip.Request) {
	req.AppendHeader(sip.NewHeader(hopsHeader, strings.Join(append(slices.Clip(c.passed), c.sw.hop(c.in.Dialled)), ", ")))
}
