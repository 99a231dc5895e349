package registrar

import (
	"strconv"
	"time"

	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/sip/wire"
)

// A fault is the answer to a REGISTER that is not carried out.
type fault struct {
	status int
	reason string
	fields []wire.Field
}

func (r *Registrar) refuse(dst []byte, q *request, f *fault) []byte {
	r.refused.Add(1)
	return q.reply(dst, f.status, f.reason, f.fields...)
}

// reply appends a response. Its To tag is the same whenever the request comes again (8.2.7).
func (q *request) reply(dst []byte, status int, reason string, fields ...wire.Field) []byte {
	var tag [8]byte
	print := q.print & (1<<36 - 1) // 32 bits do (19.3), and an answer to a stranger has to be short
	return wire.AppendReplyTo(dst, q.m, q.flow.Remote, status, reason, string(strconv.AppendUint(tag[:0], print, 36)), fields...)
}

// ok lists all current bindings of the AOR (10.3 step 8), and says of Path (RFC 3327 5.3) and
// outbound (RFC 5626 6) what the phone asked about.
func (r *Registrar) ok(dst []byte, q *request, bs []location.Binding) []byte {
	var room [8]wire.Field
	fields := room[:0]
	now := r.cfg.Now()
	for i := range bs {
		fields = append(fields, wire.Field{Name: "Contact", Value: contactOf(&bs[i], now)})
	}
	if path := pathOf(q.m); path != "" && lists(q.m, "Supported", "path") {
		fields = append(fields, wire.Field{Name: "Path", Value: path})
	}
	if q.state == applied {
		fields = append(fields, wire.Field{Name: "Require", Value: "outbound"})
		if !q.m.MoreVia() && q.flow.Transport.Reliable() {
			fields = append(fields, wire.Field{Name: "Flow-Timer", Value: strconv.Itoa(int(r.cfg.FlowTimer / time.Second))})
		}
	}
	fields = append(fields, wire.Field{Name: "Date", Value: now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")})
	return q.reply(dst, 200, "OK", fields...)
}

// contactOf is a Contact value with the whole seconds that are left, rounded up.
func contactOf(b *location.Binding, now time.Time) string {
	var room [256]byte
	v := append(append(append(room[:0], '<'), b.Contact...), ">;expires="...)
	v = strconv.AppendInt(v, int64((b.Expires.Sub(now)+time.Second-1)/time.Second), 10)
	if b.Q < 1000 {
		v = strconv.AppendFloat(append(v, ";q="...), float64(b.Q)/1000, 'f', -1, 64)
	}
	if b.RegID > 0 {
		v = append(append(v, ";+sip.instance=\""...), b.Instance...)
		v = strconv.AppendInt(append(v, "\";reg-id="...), int64(b.RegID), 10)
	}
	return string(v)
}
