package cti

import (
	"encoding/json"
	"strconv"
	"time"
)

// An Object appends the members of one JSON object to a buffer, as encoding/json writes them, for
// what is written with every call: without reflection, without an allocation of its own. The zero
// Object is not of use; see NewObject.
type Object struct {
	buf []byte
	err error
}

// NewObject begins an object at the end of buf.
func NewObject(buf []byte) Object { return Object{buf: append(buf, '{')} }

// End closes the object and returns the buffer, or the error of its first member that JSON cannot say.
func (o *Object) End() ([]byte, error) {
	o.buf = append(o.buf, '}')
	return o.buf, o.err
}

func (o *Object) name(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
}

// String appends a text.
func (o *Object) String(name, v string) {
	o.name(name)
	if !plain(v) {
		o.value(v)
		return
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, v...)
	o.buf = append(o.buf, '"')
}

// plain tells whether v is the same in JSON.
func plain(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// Int appends a number.
func (o *Object) Int(name string, v int64) {
	o.name(name)
	o.buf = strconv.AppendInt(o.buf, v, 10)
}

// Uint appends a number.
func (o *Object) Uint(name string, v uint64) {
	o.name(name)
	o.buf = strconv.AppendUint(o.buf, v, 10)
}

// True appends true.
func (o *Object) True(name string) {
	o.name(name)
	o.buf = append(o.buf, "true"...)
}

// Time appends an instant (RFC 3339).
func (o *Object) Time(name string, v time.Time) {
	o.name(name)
	o.buf = append(o.buf, '"')
	if buf, err := v.AppendText(o.buf); err != nil {
		o.keep(err)
	} else {
		o.buf = buf
	}
	o.buf = append(o.buf, '"')
}

// Value appends anything else, as encoding/json does.
func (o *Object) Value(name string, v any) {
	o.name(name)
	o.value(v)
}

// Open names a member whose value the caller appends to the buffer returned; Put takes that back.
func (o *Object) Open(name string) []byte {
	o.name(name)
	return o.buf
}

// Put is Open's other half.
func (o *Object) Put(buf []byte, err error) {
	o.keep(err)
	o.buf = buf
}

func (o *Object) value(v any) {
	b, err := json.Marshal(v)
	o.keep(err)
	o.buf = append(o.buf, b...)
}

func (o *Object) keep(err error) {
	if o.err == nil {
		o.err = err
	}
}

// Text appends a text unless it is empty.
func Text[T ~string](o *Object, name string, v T) {
	if v != "" {
		o.String(name, string(v))
	}
}

// Moment appends an instant unless it is zero.
func (o *Object) Moment(name string, v time.Time) {
	if !v.IsZero() {
		o.Time(name, v)
	}
}

// Count appends a number unless it is 0.
func (o *Object) Count(name string, v int64) {
	if v != 0 {
		o.Int(name, v)
	}
}
