package node

import (
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/sip/trunk"
)

// presented is what the peer may know of a caller: numbers by its rules, who is
// anonymous stays so. Names go to offices only; none is a number in disguise.
func presented(p *trunk.Peer, c cti.Party) cti.Party {
	if p.Site == "" || p.Identity(c.Display) != c.Display {
		c.Display = ""
	}
	own := c.Number
	if !c.Withheld {
		c.Number = p.Identity(own)
	}
	switch {
	case c.Withheld, c.Number == "" && c.Display == "":
		return cti.Party{Withheld: true, Verified: c.Verified}
	case c.Number != own: // a number of ours in its place
		return cti.Party{Number: c.Number, Verified: true}
	}
	return c
}
