package cdr

import "github.com/lineaamica/la2/cti"

// AppendJSON appends r to b as encoding/json would write it. The error is of a time that RFC 3339
// cannot say.
func (r *Record) AppendJSON(b []byte) ([]byte, error) {
	o := cti.NewObject(b)
	o.String("call", string(r.Call))
	if r.Seq != 0 {
		o.Uint("seq", r.Seq)
	}
	o.String("site", string(r.Site))
	cti.Text(&o, "service", r.Service)
	cti.Text(&o, "queue", r.Queue)
	cti.Text(&o, "trunk", r.Trunk)
	cti.Text(&o, "from", r.From)
	cti.Text(&o, "class", r.Class)
	cti.Text(&o, "topic", r.Topic)
	cti.Text(&o, "caller", r.Caller)
	if r.Withheld {
		o.True("withheld")
	}
	o.String("dialled", r.Dialled)
	cti.Text(&o, "ticket", r.Ticket)
	o.Moment("instant", r.Instant)
	o.Time("offered", r.Offered)
	o.Moment("answered", r.Answered)
	o.Moment("established", r.Established)
	o.Moment("cleared", r.Cleared)
	cti.Text(&o, "cause", r.Cause)
	cti.Text(&o, "outcome", r.Outcome)
	o.Int("wait_ms", r.WaitMS)
	o.Int("ring_ms", r.RingMS)
	o.Int("talk_ms", r.TalkMS)
	o.Int("hold_ms", r.HoldMS)
	if r.Segments == nil {
		o.Value("segments", nil)
	} else {
		o.Put(appendSegments(o.Open("segments"), r.Segments))
	}
	if len(r.Audio) > 0 {
		o.Value("audio", r.Audio)
	}
	return o.End()
}

func appendSegments(b []byte, list []Segment) ([]byte, error) {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = list[i].appendJSON(b); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (s *Segment) appendJSON(b []byte) ([]byte, error) {
	o := cti.NewObject(b)
	o.String("kind", string(s.Kind))
	o.Time("start", s.Start)
	o.Moment("end", s.End)
	cti.Text(&o, "queue", s.Queue)
	cti.Text(&o, "leg", s.Leg)
	cti.Text(&o, "trunk", s.Trunk)
	cti.Text(&o, "target", s.Target)
	cti.Text(&o, "cause", s.Cause)
	cti.Text(&o, "outcome", s.Outcome)
	return o.End()
}
