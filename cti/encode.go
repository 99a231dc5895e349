package cti

// AppendJSON appends ev to b as encoding/json would write it. The error is of a time that RFC 3339
// cannot say.
func (ev *Event) AppendJSON(b []byte) ([]byte, error) {
	o := NewObject(b)
	o.String("epoch", ev.Epoch)
	o.Uint("seq", ev.Seq)
	o.Time("at", ev.At)
	o.String("site", string(ev.Site))
	o.String("type", string(ev.Type))
	Text(&o, "call", ev.Call)
	Text(&o, "leg", ev.Leg)
	Text(&o, "ticket", ev.Ticket)
	Text(&o, "agent", ev.Agent)
	Text(&o, "device", ev.Device)
	Text(&o, "queue", ev.Queue)
	Text(&o, "trunk", ev.Trunk)
	Text(&o, "cause", ev.Cause)
	if ev.Offer != 0 {
		o.Uint("offer", uint64(ev.Offer))
	}
	Text(&o, "service", ev.Service)
	Text(&o, "reason", ev.Reason)
	Text(&o, "stage", ev.Stage)
	Text(&o, "value", ev.Value)
	Text(&o, "target", ev.Target)
	o.Moment("deadline", ev.Deadline)
	o.Moment("instant", ev.Instant)
	if ev.Info != nil {
		o.Put(ev.Info.appendJSON(o.Open("info")))
	}
	if ev.Quality != nil {
		o.Value("quality", ev.Quality)
	}
	if ev.Change != nil {
		o.Value("change", ev.Change)
	}
	if len(ev.Raw) > 0 {
		o.Value("raw", ev.Raw)
	}
	return o.End()
}

func (c *CallInfo) appendJSON(b []byte) ([]byte, error) {
	o := NewObject(b)
	o.Put(c.Caller.appendJSON(o.Open("caller")))
	o.String("dialled", c.Dialled)
	Text(&o, "service", c.Service)
	Text(&o, "topic", c.Topic)
	Text(&o, "from", c.From)
	Text(&o, "class", c.Class)
	o.Count("wait_ms", c.WaitMS)
	o.Count("talk_ms", c.TalkMS)
	return o.End()
}

func (p *Party) appendJSON(b []byte) ([]byte, error) {
	o := NewObject(b)
	Text(&o, "number", p.Number)
	Text(&o, "display", p.Display)
	if p.Withheld {
		o.True("withheld")
	}
	if p.Verified {
		o.True("verified")
	}
	return o.End()
}
