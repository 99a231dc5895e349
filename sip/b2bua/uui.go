package b2bua

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/lineaamica/la2/cti"
)

// The capsule travels in User-to-User (RFC 7433 4) of inter-office INVITEs:
//
//	User-to-User: <hex>;encoding=hex;purpose=la2
//
// and <hex> is the hexadecimal of the ASCII text
//
//	t=<ticket>;i=<unix ms>;c=<class>;h=<hops>
//
// with each of the four exactly once and in this order; t and c may be empty. It
// is a hint from a node that our trunk admission already trusts, not a proof: it
// carries no signature yet.
const (
	uuiPurpose = "la2"
	uuiMaxHops = 16
	uuiMaxText = 128 // octets before hexadecimal
)

// FormatCapsule is the value of User-to-User for c; "" for a capsule that says
// nothing.
func FormatCapsule(c cti.Capsule) string {
	if c == (cti.Capsule{}) {
		return ""
	}
	b := make([]byte, 0, uuiMaxText)
	b = append(b, "t="...)
	b = append(b, c.Ticket...)
	b = append(b, ";i="...)
	if !c.Instant.IsZero() {
		b = strconv.AppendInt(b, c.Instant.UnixMilli(), 10)
	}
	b = append(b, ";c="...)
	b = append(b, c.Class...)
	b = append(b, ";h="...)
	b = strconv.AppendInt(b, int64(c.Hops), 10)
	return hex.EncodeToString(b) + ";encoding=hex;purpose=" + uuiPurpose
}

// ParseCapsule reads the value of a User-to-User header. Anything unusual yields
// false: a capsule is all or nothing. Call it only for peers that are offices of
// the network.
func ParseCapsule(value string) (cti.Capsule, bool) {
	data, params, _ := strings.Cut(value, ";")
	if !ourCapsule(params) {
		return cti.Capsule{}, false
	}
	data = strings.TrimSpace(data)
	if len(data) > 2*uuiMaxText {
		return cti.Capsule{}, false
	}
	text, err := hex.DecodeString(data)
	if err != nil {
		return cti.Capsule{}, false
	}
	return parseCapsuleText(string(text))
}

func ourCapsule(params string) bool {
	var encoding, purpose string
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch strings.ToLower(k) {
		case "encoding":
			encoding = strings.ToLower(v)
		case "purpose":
			purpose = v
		}
	}
	return encoding == "hex" && purpose == uuiPurpose
}

func parseCapsuleText(text string) (c cti.Capsule, ok bool) {
	fields := strings.Split(text, ";")
	if len(fields) != 4 {
		return cti.Capsule{}, false
	}
	var vals [4]string
	for i, key := range [...]string{"t=", "i=", "c=", "h="} {
		v, found := strings.CutPrefix(fields[i], key)
		if !found {
			return cti.Capsule{}, false
		}
		vals[i] = v
	}
	c.Ticket = cti.TicketID(vals[0])
	if c.Ticket != "" && !c.Ticket.Valid() {
		return cti.Capsule{}, false
	}
	if vals[1] != "" {
		ms, err := strconv.ParseUint(vals[1], 10, 48)
		if err != nil || vals[1][0] == '+' {
			return cti.Capsule{}, false
		}
		c.Instant = time.UnixMilli(int64(ms)).UTC()
	}
	switch c.Class = cti.Class(vals[2]); c.Class {
	case "", cti.ClassOverflow, cti.ClassTransfer:
	default:
		return cti.Capsule{}, false
	}
	hops, err := strconv.ParseUint(vals[3], 10, 8)
	if err != nil || hops > uuiMaxHops {
		return cti.Capsule{}, false
	}
	c.Hops = int(hops)
	return c, true
}
