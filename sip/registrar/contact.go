package registrar

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
)

// A fault is the answer to a REGISTER that is not carried out.
type fault struct {
	status  int
	reason  string
	headers []sip.Header
}

// update carries out the Contact headers (RFC 3261 10.3 steps 6 and 7): all or
// none. Without any the request only asks for the bindings.
func (r *Registrar) update(tx Tx, aor location.AOR) ([]location.Binding, *fault) {
	req := tx.Request()
	contacts := req.GetHeaders("Contact")
	if len(contacts) == 0 {
		return r.table.Lookup(aor), nil
	}
	var edits []location.Edit
	for _, h := range contacts {
		c, ok := h.(*sip.ContactHeader)
		switch {
		case !ok:
			return nil, &fault{status: 400, reason: "Bad Contact"}
		case c.Address.Wildcard:
			return nil, r.clear(req, aor, len(contacts))
		}
		e, f := r.edit(tx, c)
		if f != nil {
			return nil, f
		}
		edits = append(edits, e)
	}
	bs, err := r.table.Update(aor, edits)
	return bs, faultOf(err)
}

// clear is Contact: *, allowed only alone and with Expires: 0 (10.2.2).
func (r *Registrar) clear(req *sip.Request, aor location.AOR, contacts int) *fault {
	h := req.GetHeader("Expires")
	if contacts != 1 || h == nil || strings.Trim(h.Value(), " 0") != "" || !strings.Contains(h.Value(), "0") {
		return &fault{status: 400, reason: "Bad Contact"}
	}
	return faultOf(r.table.Clear(aor, req.CallID().Value(), req.CSeq().SeqNo))
}

// faultOf maps the errors of the table.
func faultOf(err error) *fault {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, location.ErrStale):
		// 10.3 step 7: the update is aborted and the request fails; the status is
		// that of an out-of-order request in a dialog (12.2.2).
		return &fault{status: 500, reason: "CSeq Out of Order"}
	case errors.Is(err, location.ErrTooMany):
		return &fault{status: 403, reason: "Too Many Bindings"}
	}
	return &fault{status: 400, reason: "Bad Contact"}
}

// edit turns one contact into a step of the update.
func (r *Registrar) edit(tx Tx, c *sip.ContactHeader) (location.Edit, *fault) {
	req, f := tx.Request(), tx.Flow()
	seconds := r.interval(req, c)
	life := time.Duration(seconds) * time.Second
	if life > 0 && life < r.cfg.MinExpires {
		least := strconv.Itoa(int(r.cfg.MinExpires / time.Second))
		return location.Edit{}, &fault{423, "Interval Too Brief", []sip.Header{sip.NewHeader("Min-Expires", least)}}
	}
	b := location.Binding{
		Contact:   c.Address.String(),
		Expires:   r.cfg.Now().Add(min(life, r.cfg.MaxExpires)).UTC(),
		Q:         quality(c),
		CallID:    req.CallID().Value(),
		CSeq:      req.CSeq().SeqNo,
		Flow:      f,
		NAT:       !names(&c.Address, f),
		Instance:  strings.Trim(param(c.Params, "+sip.instance"), `"`),
		UserAgent: userAgent(req),
	}
	if n, err := strconv.ParseUint(param(c.Params, "reg-id"), 10, 31); err == nil {
		b.RegID = int(n)
	}
	return location.Edit{Binding: b, Remove: life == 0}, nil
}

// interval is the wished life in seconds: the contact's expires parameter, else
// the Expires header, else the default. Malformed values count as the default
// (RFC 3261 20.10).
func (r *Registrar) interval(req *sip.Request, c *sip.ContactHeader) uint64 {
	s := param(c.Params, "expires")
	if s == "" {
		if h := req.GetHeader("Expires"); h != nil {
			s = h.Value()
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		n, err = math.MaxUint64, nil
	}
	if err != nil {
		return uint64(r.cfg.DefaultExpires / time.Second)
	}
	return min(n, uint64(r.cfg.MaxExpires/time.Second))
}

// quality is q in thousandths; 1000 when absent or malformed.
func quality(c *sip.ContactHeader) int {
	q, err := strconv.ParseFloat(param(c.Params, "q"), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 1000
	}
	return int(math.Round(q * 1000))
}

// param finds a parameter without regard to case.
func param(ps sip.HeaderParams, name string) string {
	for _, kv := range ps {
		if strings.EqualFold(kv.K, name) {
			return kv.V
		}
	}
	return ""
}

// names tells whether the contact names the source of the request. Over a
// connection the ports differ by nature.
func names(u *sip.Uri, f flow.Flow) bool {
	a, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil || a.Unmap() != f.Remote.Addr().Unmap() {
		return false
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return f.Transport != flow.UDP || port == int(f.Remote.Port())
}

func userAgent(req *sip.Request) string {
	h := req.GetHeader("User-Agent")
	if h == nil {
		return ""
	}
	s := h.Value()
	return strings.ToValidUTF8(s[:min(len(s), 128)], "")
}
