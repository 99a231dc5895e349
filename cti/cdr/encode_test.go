package cdr

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
)

// fill sets every field of v, a struct; a type that it does not know fails.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(time.Date(2026, 2, 3, 4, 5, 6, 1000*(i+1), time.UTC)))
		case []Segment:
			list := make([]Segment, 2)
			fill(t, reflect.ValueOf(&list[1]).Elem())
			f.Set(reflect.ValueOf(list))
		case []Audio:
			f.Set(reflect.ValueOf([]Audio{{Leg: "C/1"}, {Leg: "C/2", Quality: cti.Quality{Received: 7, JitterMS: 1.5, MOS: 4.25}}}))
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString("a <text> of " + v.Type().Field(i).Name)
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Int64:
				f.SetInt(int64(i) - 100)
			case reflect.Uint64:
				f.SetUint(uint64(i))
			default:
				t.Fatalf("teach fill %s", f.Type())
			}
		}
	}
}

// The appender writes what encoding/json writes: a new field that is forgotten fails here.
func TestRecordJSON(t *testing.T) {
	var full Record
	fill(t, reflect.ValueOf(&full).Elem())
	list := []Record{{}, {Segments: []Segment{}}, full}
	for i := range reflect.TypeFor[Record]().NumField() {
		var one Record
		reflect.ValueOf(&one).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		list = append(list, one)
	}
	for _, r := range list {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.AppendJSON([]byte{' '}); err != nil || string(got) != " "+string(want) {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
	full.Segments[1].End = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if got, err := full.AppendJSON(nil); err == nil {
		t.Errorf("%s has a time that is no RFC 3339", got)
	}
}

// The record of a call that passed is the one that its events one by one would have come to.
func TestPassedRecordIsThatOfItsEvents(t *testing.T) {
	begin := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, talk := range []int64{0, 1, 4000} {
		for _, cause := range []cti.Cause{cti.CauseNormal, cti.CauseAbandoned, cti.CauseBusy, cti.CauseClosed, cti.CauseRedirected, cti.CauseShutdown} {
			ev := cti.Event{Type: cti.EvPassed, Call: "C", Site: "s", Trunk: "t", Seq: 9, Cause: cause, Instant: begin, At: begin.Add(9 * time.Second),
				Info: &cti.CallInfo{Caller: cti.Party{Number: "+39066988"}, Dialled: "112", From: "c_b180", TalkMS: talk}}
			var by Tracker
			one := ev
			one.Type, one.At = cti.EvOffered, begin
			want, _ := by.Apply(one)
			if talk > 0 {
				one.Type, one.Leg, one.At = cti.EvEstablished, "C/2", ev.At.Add(-time.Duration(talk)*time.Millisecond)
				by.Apply(one)
			}
			one.Type, one.At = cti.EvCallCleared, ev.At
			_, wantEnded := by.Apply(one)
			got, ended := by.Apply(ev)
			if !reflect.DeepEqual(got, want) || len(ended) != len(wantEnded) || len(ended) == 1 && ended[0] != wantEnded[0] {
				t.Errorf("talk %d, %s: got %+v, %+v\nwant %+v, %+v", talk, cause, got, ended, want, wantEnded)
			}
		}
	}
}
