package cdr

import (
	"strings"
	"time"

	"github.com/lineaamica/la2/cti"
)

// concerns tells whether an event of this type can change a record.
func concerns(t cti.EventType) bool {
	switch t {
	case cti.EvOffered, cti.EvAnswered, cti.EvQueued, cti.EvDelivered, cti.EvDiverted, cti.EvEstablished,
		cti.EvHeld, cti.EvRetrieved, cti.EvTransferring, cti.EvTransferred, cti.EvTransferFailed, cti.EvRedirected,
		cti.EvConnectionCleared, cti.EvCallCleared, cti.EvPassed, cti.EvTicketOpened, cti.EvTicketAttached:
		return true
	}
	return false
}

// newRecord begins the record of a call with its Offered.
func newRecord(ev cti.Event) *Record {
	r := &Record{Call: ev.Call, Site: ev.Site, Service: ev.Service, Trunk: ev.Trunk, Ticket: ev.Ticket,
		Instant: ev.Instant, Offered: ev.At, Segments: []Segment{}}
	if in := ev.Info; in != nil {
		r.From, r.Class, r.Topic, r.Dialled = in.From, in.Class, in.Topic, in.Dialled
		if r.Withheld = in.Caller.Withheld; !r.Withheld {
			r.Caller = in.Caller.Number
		}
		if r.Service == "" {
			r.Service = in.Service
		}
	}
	return r
}

// passedRecord is the whole record of a call that passed through, and its segments: what Offered,
// Established if it talked, and CallCleared would come to.
func passedRecord(ev cti.Event) (*Record, []Segment) {
	end, talk := ev.At, time.Duration(0)
	if ev.Info != nil {
		talk = time.Duration(ev.Info.TalkMS) * time.Millisecond
	}
	if ev.At = ev.Instant; ev.At.IsZero() || ev.At.After(end) {
		ev.At = end
	}
	r := newRecord(ev)
	r.Seq, r.Cleared, r.Cause = ev.Seq, end, ev.Cause
	if talk > 0 {
		r.Established, r.TalkMS = end.Add(-talk), talk.Milliseconds()
		s := Segment{Kind: KindTalk, Start: r.Established, End: end, Leg: cti.LegID(ev.Call) + "/2", Trunk: ev.Trunk}
		if ev.Cause != cti.CauseNormal {
			s.Cause = ev.Cause
		}
		r.Segments = []Segment{s}
	}
	r.Outcome = r.outcome(false)
	return r, r.Segments
}

// Apply folds one event of the record's call and returns the segments that
// ended by it. Segments overlap as the call's stretches do: a ring lies inside
// its queue.
func (r *Record) Apply(ev cti.Event) (ended []Segment) {
	end := func(match func(*Segment) bool, cause cti.Cause, out Outcome) {
		ended = append(ended, r.end(ev.At, match, cause, out)...)
	}
	leg := func(s *Segment) bool { return s.Leg == ev.Leg }
	switch ev.Type {
	case cti.EvAnswered:
		if r.Answered.IsZero() {
			r.Answered = ev.At
		}
	case cti.EvTicketOpened, cti.EvTicketAttached:
		r.Ticket = ev.Ticket
	case cti.EvQueued:
		ended = r.queued(ev)
	case cti.EvDelivered:
		if r.waiting() != nil || ev.Agent == "" { // else the answer was faster
			r.open(KindRing, ev)
		}
	case cti.EvDiverted:
		end(r.lastOpen(KindRing, ev.Leg), ev.Cause, "")
	case cti.EvEstablished:
		ended = r.established(ev)
	case cti.EvHeld:
		if open := r.lastOpen(KindTalk, ev.Leg); r.any(open) {
			end(open, "", "")
			r.open(KindHold, ev)
		}
	case cti.EvRetrieved:
		if open := r.lastOpen(KindHold, ev.Leg); r.any(open) {
			end(open, "", "")
			r.open(KindTalk, ev)
		}
	case cti.EvTransferring:
		r.open(KindTransfer, ev)
	case cti.EvTransferred:
		end(kinds(KindTransfer), "", "")
		end(leg, cti.CauseTransferred, "")
	case cti.EvTransferFailed:
		end(kinds(KindTransfer), ev.Cause, "")
	case cti.EvRedirected:
		r.markRedirected(ev)
		end(kinds(KindQueue), "", Redirected)
		end(kinds(KindRing), cti.CauseRedirected, "")
	case cti.EvConnectionCleared:
		if ev.Quality != nil {
			r.Audio = append(r.Audio, Audio{Leg: ev.Leg, Quality: *ev.Quality})
		}
		if !callerLeg(ev.Leg) {
			end(leg, ev.Cause, "")
		}
	case cti.EvCallCleared:
		ended = r.cleared(ev)
	}
	return ended
}

func (r *Record) queued(ev cti.Event) (ended []Segment) {
	if ev.Ticket != "" {
		r.Ticket = ev.Ticket
	}
	if ev.Info != nil && ev.Info.Topic != "" {
		r.Topic = ev.Info.Topic
	}
	if s := r.waiting(); s != nil {
		if s.Queue == ev.Queue {
			return nil
		}
		ended = r.end(ev.At, kinds(KindQueue), cti.CauseRedirected, Redirected)
	}
	r.Queue = ev.Queue
	r.open(KindQueue, ev)
	return ended
}

// established ends ringing and waiting and begins the talk of a leg. A leg to a
// trunk while the caller waits is another office that took it.
func (r *Record) established(ev cti.Event) (ended []Segment) {
	if callerLeg(ev.Leg) {
		return nil
	}
	ended = r.end(ev.At, r.lastOpen(KindRing, ev.Leg), "", "")
	out := Answered
	if ev.Trunk != "" && ev.Agent == "" {
		out = Redirected
	}
	ended = append(ended, r.end(ev.At, kinds(KindQueue), "", out)...)
	if r.any(r.lastOpen(KindTalk, ev.Leg)) && ev.Leg != "" {
		return ended // a repeated answer
	}
	if r.Established.IsZero() {
		r.Established = ev.At
	}
	r.open(KindTalk, ev)
	return ended
}

// markRedirected notes who took the caller on the talk that began just before,
// if Established came first.
func (r *Record) markRedirected(ev cti.Event) {
	for i := range r.Segments {
		s := &r.Segments[i]
		if s.Kind == KindQueue && (s.End.IsZero() || s.Outcome == Answered && s.End.Equal(r.Established)) {
			s.Outcome, s.Target = Redirected, publicTarget(ev.Target)
		}
	}
}

func (r *Record) cleared(ev cti.Event) (ended []Segment) {
	if ev.Cause == cti.CauseRestart && ev.Instant.After(r.Offered) {
		ev.At = ev.Instant // when the node was last known to live
	}
	r.Seq, r.Cleared, r.Cause = ev.Seq, ev.At, ev.Cause
	out := Failed
	if ev.Cause == cti.CauseAbandoned || ev.Cause == cti.CauseNormal {
		out = Abandoned
	}
	queued := r.waiting() != nil
	ended = r.end(ev.At, kinds(KindQueue), ev.Cause, out)
	ended = append(ended, r.end(ev.At, func(*Segment) bool { return true }, ev.Cause, "")...)
	r.Outcome = r.outcome(queued)
	for _, s := range r.Segments {
		ms := s.End.Sub(s.Start).Milliseconds()
		switch s.Kind {
		case KindQueue:
			r.WaitMS += ms
		case KindRing:
			r.RingMS += ms
		case KindTalk:
			r.TalkMS += ms
		case KindHold:
			r.HoldMS += ms
		}
	}
	return ended
}

func (r *Record) outcome(queued bool) Outcome {
	var redirected bool
	for _, s := range r.Segments {
		redirected = redirected || s.Outcome == Redirected && s.Cause == ""
	}
	switch {
	case redirected:
		return Redirected
	case !r.Established.IsZero():
		return Answered
	case r.Cause == cti.CauseClosed:
		return Closed
	case r.Cause == cti.CauseRedirected:
		return Redirected
	case r.Cause != cti.CauseAbandoned && r.Cause != cti.CauseNormal:
		return Failed
	case queued:
		return Abandoned
	}
	return Left
}

// Trunks are those that the call occupies now: the one it came by and one for
// each leg that rings or talks over a trunk.
func (r *Record) Trunks() (names []string) {
	if r.Trunk != "" {
		names = append(names, r.Trunk)
	}
	for i := range r.Segments {
		if s := &r.Segments[i]; s.End.IsZero() && s.Trunk != "" {
			names = append(names, s.Trunk)
		}
	}
	return names
}

// Waiting tells in which queue the caller waits, and since when.
func (r *Record) Waiting() (q cti.QueueID, since time.Time, ok bool) {
	s := r.waiting()
	if s == nil {
		return "", time.Time{}, false
	}
	return s.Queue, s.Start, true
}

func (r *Record) waiting() *Segment {
	for i := range r.Segments {
		if s := &r.Segments[i]; s.Kind == KindQueue && s.End.IsZero() {
			return s
		}
	}
	return nil
}

func (r *Record) open(k Kind, ev cti.Event) {
	s := Segment{Kind: k, Start: ev.At, Leg: ev.Leg, Trunk: ev.Trunk}
	switch k {
	case KindQueue:
		s.Queue, s.Leg, s.Trunk = ev.Queue, "", ""
	case KindRing:
		s.Queue = ev.Queue
	case KindTransfer:
		s.Target = publicTarget(ev.Target)
	}
	r.Segments = append(r.Segments, s)
}

// end closes the open segments that match.
func (r *Record) end(at time.Time, match func(*Segment) bool, cause cti.Cause, out Outcome) (ended []Segment) {
	if cause == cti.CauseNormal {
		cause = ""
	}
	for i := range r.Segments {
		s := &r.Segments[i]
		if !s.End.IsZero() || !match(s) {
			continue
		}
		s.End, s.Cause = at, cause
		if out != "" {
			s.Outcome = out
		}
		ended = append(ended, *s)
	}
	return ended
}

func (r *Record) any(match func(*Segment) bool) bool {
	for i := range r.Segments {
		if s := &r.Segments[i]; s.End.IsZero() && match(s) {
			return true
		}
	}
	return false
}

// lastOpen matches the open segment of that kind and leg; else the last one
// whose leg is not known, as agents ring before their leg is named.
func (r *Record) lastOpen(k Kind, leg cti.LegID) func(*Segment) bool {
	var last *Segment
	for i := range r.Segments {
		s := &r.Segments[i]
		if s.Kind != k || !s.End.IsZero() {
			continue
		}
		if leg != "" && s.Leg == leg {
			last = s
			break
		}
		if leg == "" || s.Leg == "" {
			last = s
		}
	}
	return func(s *Segment) bool { return s == last }
}

func kinds(k Kind) func(*Segment) bool { return func(s *Segment) bool { return s.Kind == k } }

// callerLeg tells whether l is leg 1, the caller's.
func callerLeg(l cti.LegID) bool { return strings.HasSuffix(string(l), "/1") }

// publicTarget is an office's or trunk's name, without the number dialled
// there; a bare number or address may be a person's and becomes "device".
func publicTarget(t string) string {
	name, _, _ := strings.Cut(t, ":")
	if name == "" {
		return ""
	}
	if strings.Trim(name, "+0123456789") == "" || name == "sip" || name == "sips" || strings.Contains(name, "@") {
		return "device"
	}
	return name
}
