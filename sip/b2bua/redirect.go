package b2bua

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

// maxRedirects bounds how often one leg follows a 3xx.
const maxRedirects = 5

// evRedirected: a 3xx of a callee has been looked up, to be followed (RFC 3261 8.1.3.4): the
// numbers of its Contacts, where the callee may send somebody (Deps.Resolve), ring
// in the place of its branch, in the same leg. Nothing else of a Contact counts: it
// chooses neither hosts nor transports for us.
type evRedirected struct {
	branch  *branch
	status  int
	dest    cti.Destination
	targets []Target
}

func (evRedirected) name() string { return "redirected" }

// redirected begins to follow res. False: it is a refusal like any other.
func (c *Call) redirected(b *branch, res *sip.Response) bool {
	l := b.leg
	if !l.follows || b.done || c.sw.deps.Resolve == nil || l.state != legCalling && l.state != legRinging {
		return false
	}
	var dests []cti.Destination
	for _, user := range contactUsers(res) {
		if len(l.followed) >= maxRedirects {
			break
		}
		if slices.Contains(l.followed, user) || user == b.target.URI.User || cti.DeviceID(user) == l.device {
			continue // a ring of diversions ends here
		}
		l.followed = append(l.followed, user)
		if d, ok := c.sw.deps.Resolve(user, l.device); ok {
			dests = append(dests, d)
		}
	}
	if len(dests) == 0 {
		return false
	}
	if said := opaqueOfRedirect(res); len(said) > 0 {
		c.uui = said
	}
	go c.findRedirect(b, res.StatusCode, dests) // ends within findTimeout, by the contract of Deps.Targets
	return true
}

// findRedirect asks where dests are, best first, off the owner's goroutine.
func (c *Call) findRedirect(b *branch, status int, dests []cti.Destination) {
	ctx, cancel := context.WithTimeout(c.ctx, findTimeout)
	defer cancel()
	e := evRedirected{branch: b, status: status}
	for _, d := range dests {
		targets, err := c.sw.targets(ctx, d)
		if err == nil {
			e.dest, e.targets = d, targets
			break
		}
	}
	c.box.put(e)
}

// onRedirected rings what was found instead of the branch, or counts that as failed.
func (c *Call) onRedirected(e evRedirected) {
	b, l := e.branch, e.branch.leg
	if b.done || l.state != legCalling && l.state != legRinging {
		return
	}
	var now []*branch
	for _, t := range e.targets {
		if t.Seize == nil || t.Seize() {
			now = append(now, &branch{leg: l, target: t})
		}
	}
	if len(now) == 0 {
		c.branchFailed(b, e.status, CauseOf(e.status))
		return
	}
	b.done = true
	worst, why := l.worst, l.why
	if l.hunt == nil {
		e.dest.Caller = c.in.Caller
		l.hunt = &hunt{dest: e.dest}
	}
	l.device, l.owner, l.number = e.dest.Device, e.dest.Device, e.dest.Number
	if name := e.dest.Trunk; name != "" || l.trunk != "" {
		c.sw.move(l, name)
	}
	c.ringAll(l, now)
	l.worst, l.why = worst, why
}

// contactUsers is the user parts of the Contacts of a 3xx, best first (RFC 3261
// 20.10: q, then as written).
func contactUsers(res *sip.Response) []string {
	type contact struct {
		user string
		q    float64
	}
	var list []contact
	for _, h := range res.GetHeaders("Contact") {
		for _, one := range splitUnquoted(h.Value(), ',') {
			var u sip.Uri
			var params sip.HeaderParams
			if _, err := sip.ParseAddressValue(strings.TrimSpace(one), &u, &params); err != nil {
				continue
			}
			user, err := numberIn(&u)
			if err != nil || user == "" {
				continue
			}
			q := 1.0
			if v, ok := params.Get("q"); ok {
				if f, err := strconv.ParseFloat(v, 64); err == nil && f >= 0 && f <= 1 {
					q = f
				}
			}
			list = append(list, contact{user, q})
		}
	}
	slices.SortStableFunc(list, func(a, b contact) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	users := make([]string, len(list))
	for i, x := range list {
		users[i] = x.user
	}
	return users
}
