package registrar

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// Bounds of what a binding keeps of a request, so that one account cannot fill the memory.
const (
	maxContacts = 32  // values of Contact in a request
	maxContact  = 512 // octets of a contact
	maxInstance = 128
	maxAgent    = 128
)

var errBadContact = &fault{status: 400, reason: "Bad Contact"}

// update carries out the Contact header fields (RFC 3261 10.3 steps 6 and 7): all or
// none. Without any the request only asks for the bindings.
func (r *Registrar) update(q *request, aor location.AOR) ([]location.Binding, *fault) {
	edits, star, fault := r.edits(q)
	switch {
	case fault != nil:
		return nil, fault
	case q.again:
		return r.current(q, aor, edits)
	case star:
		seq, _ := q.m.CSeq()
		return nil, faultOf(r.table.Clear(aor, string(q.m.CallID()), seq))
	case len(edits) == 0:
		return r.table.Lookup(aor), nil
	}
	bs, err := r.table.Update(aor, edits)
	return bs, faultOf(err)
}

// current answers a request that was carried out before, or was refused: what it asked for must
// be there, else it is as out of order as it looks.
func (r *Registrar) current(q *request, aor location.AOR, edits []location.Edit) ([]location.Binding, *fault) {
	bs := r.table.Lookup(aor)
	for _, e := range edits {
		found := false
		for i := range bs {
			found = found || bs[i].Contact == e.Binding.Contact && bs[i].CallID == e.Binding.CallID && bs[i].CSeq == e.Binding.CSeq
		}
		if found == e.Remove {
			return nil, faultOf(location.ErrStale)
		}
	}
	return bs, nil
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
	return errBadContact
}

// edits reads all contacts; star is Contact: *, allowed only alone and with Expires: 0 (10.2.2).
func (r *Registrar) edits(q *request) (edits []location.Edit, star bool, f *fault) {
	if q.state == lacking {
		return nil, false, &fault{status: 439, reason: "First Hop Lacks Outbound Support"}
	}
	if f := pathFault(q.m); f != nil {
		return nil, false, f
	}
	lasting := 0
	for _, v := range q.m.Values("Contact") {
		for rest := v; rest != nil; {
			a, next, ok := wire.NextAddress(rest)
			if !ok || star {
				return nil, false, errBadContact
			}
			rest = next
			if a.Star {
				star = true
				continue
			}
			e, f := r.edit(q, a)
			if f != nil {
				return nil, false, f
			}
			if edits = append(edits, e); len(edits) > maxContacts {
				return nil, false, faultOf(location.ErrTooMany)
			}
			if !e.Remove {
				lasting++
			}
		}
	}
	switch {
	case star && (len(edits) > 0 || !zeroExpires(q.m)):
		return nil, false, errBadContact
	case q.state == applied && lasting > 1: // RFC 5626 6: one flow at a time
		return nil, false, errBadContact
	}
	return edits, star, nil
}

// zeroExpires tells whether the header field Expires is there and 0.
func zeroExpires(m *wire.Message) bool {
	v := m.Header("Expires")
	for _, c := range v {
		if c != '0' {
			return false
		}
	}
	return len(v) > 0
}

// edit turns one contact into a step of the update.
func (r *Registrar) edit(q *request, a wire.Address) (location.Edit, *fault) {
	uri, ok := wire.ParseURI(a.URI)
	if !ok || len(uri.Host) == 0 || len(a.URI) > maxContact || !ascii(a.URI) {
		return location.Edit{}, errBadContact
	}
	life := time.Duration(r.interval(q.m, a)) * time.Second
	if life > 0 && life < r.cfg.MinExpires {
		least := strconv.Itoa(int(r.cfg.MinExpires / time.Second))
		return location.Edit{}, &fault{423, "Interval Too Brief", []wire.Field{{Name: "Min-Expires", Value: least}}}
	}
	seq, _ := q.m.CSeq()
	b := location.Binding{
		Contact:   string(a.URI),
		Expires:   r.cfg.Now().Add(min(life, r.cfg.MaxExpires)).UTC(),
		Q:         quality(a),
		CallID:    string(q.m.CallID()),
		CSeq:      seq,
		Flow:      q.flow,
		NAT:       !names(uri, q.flow),
		Instance:  instance(a),
		Path:      pathOf(q.m),
		UserAgent: userAgent(q.m),
	}
	if q.state == applied && b.Instance != "" {
		b.RegID = regID(a)
	}
	return location.Edit{Binding: b, Remove: life == 0}, nil
}

// interval is the wished life in seconds: the contact's expires parameter, else
// the Expires header, else the default. Malformed values count as the default
// (RFC 3261 20.10).
func (r *Registrar) interval(m *wire.Message, a wire.Address) uint64 {
	v, _ := a.Param("expires")
	if len(v) == 0 {
		v = m.Header("Expires")
	}
	n, err := strconv.ParseUint(string(v), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		n, err = math.MaxUint64, nil
	}
	if err != nil {
		return uint64(r.cfg.DefaultExpires / time.Second)
	}
	return min(n, uint64(r.cfg.MaxExpires/time.Second))
}

// quality is q in thousandths; 1000 when absent or malformed.
func quality(a wire.Address) int {
	v, ok := a.Param("q")
	if !ok {
		return 1000
	}
	q, err := strconv.ParseFloat(string(v), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 1000
	}
	return int(math.Round(q * 1000))
}

// instance is +sip.instance without its quotes; empty when absent, or when nobody could tell it.
func instance(a wire.Address) string {
	v, _ := a.Param("+sip.instance")
	s := strings.Trim(string(v), `"`)
	if len(s) > maxInstance || !ascii(v) || strings.ContainsAny(s, "\"\\\r\n") {
		return ""
	}
	return s
}

// regID is reg-id, 1 to 2^31-1 (RFC 5626 4.2); 0 when absent or no such number.
func regID(a wire.Address) int {
	v, _ := a.Param("reg-id")
	n, err := strconv.ParseUint(string(v), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// names tells whether the contact names the source of the request. Over a
// connection the ports differ by nature.
func names(u wire.URI, f flow.Flow) bool {
	a, err := netip.ParseAddr(string(u.Host))
	if err != nil || a.Unmap() != f.Remote.Addr().Unmap() {
		return false
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return f.Transport != flow.UDP || port == f.Remote.Port()
}

func userAgent(m *wire.Message) string {
	v := m.Header("User-Agent")
	return strings.ToValidUTF8(unfolded(v[:min(len(v), maxAgent)]), "")
}
