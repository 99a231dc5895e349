package cti

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// probes set v, a field of an event, to values that JSON writes in different ways; one event each.
func probes(v reflect.Value) (out []reflect.Value) {
	add := func(x any) { out = append(out, reflect.ValueOf(x).Convert(v.Type())) }
	switch v.Interface().(type) {
	case time.Time:
		add(time.Date(2026, 2, 3, 4, 5, 6, 700_000, time.UTC))
		add(time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("", 7200)))
		return out
	case *CallInfo:
		for _, info := range filled(CallInfo{}) {
			add(&info)
		}
		for _, party := range filled(Party{}) {
			add(&CallInfo{Caller: party})
		}
		return out
	case *Quality:
		add(&Quality{})
		add(&Quality{Received: 1, Lost: 2, JitterMS: 0.125, R: 92.72, MOS: 4.4, OneWay: true})
		return out
	case *Change:
		add(&Change{Kind: "opened", Revision: 3, Fields: map[string]string{"a": "<b>"}})
		return out
	case Party:
		add(Party{Number: "+390123"})
		return out
	}
	switch v.Kind() {
	case reflect.String:
		for _, text := range []string{"plain", `"quoted\"`, "<a&b>", "àè", "\x00\x1f\x7f", "\u2028", "bad\xff"} {
			add(text)
		}
	case reflect.Bool:
		add(true)
	case reflect.Int64:
		add(int64(-1 << 63))
		add(int64(41))
	case reflect.Uint64:
		add(uint64(1<<64 - 1))
	case reflect.Slice:
		add([]byte{0, 1, 254})
	default:
		panic("probes: teach me " + v.Type().String())
	}
	return out
}

// filled has one T for each probe of each field, one that is empty and one with all fields set.
func filled[T any](empty T) []T {
	list, all := []T{empty}, reflect.New(reflect.TypeOf(empty)).Elem()
	for i := range all.NumField() {
		for _, p := range probes(all.Field(i)) {
			one := reflect.New(all.Type()).Elem()
			one.Field(i).Set(p)
			all.Field(i).Set(p)
			list = append(list, one.Interface().(T))
		}
	}
	return append(list, all.Interface().(T))
}

// The appender writes what encoding/json writes, for every field: one that is new and forgotten
// fails here.
func TestEventJSON(t *testing.T) {
	list := filled(Event{})
	if len(list) < 100 {
		t.Fatalf("only %d events", len(list))
	}
	for _, ev := range list {
		want, err := json.Marshal(ev)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ev.AppendJSON([]byte("before "))
		if err != nil || string(got) != "before "+string(want) {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestEventJSONRefusesImpossibleTime(t *testing.T) {
	for _, ev := range []Event{{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, {Deadline: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		if got, err := ev.AppendJSON(nil); err == nil {
			t.Errorf("%s is no RFC 3339", got)
		}
	}
}

func TestEventJSONAllocatesNothing(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	ev := Event{Epoch: "01JZ8Q4W7N5T3X9V2R6K1M0HDC", Seq: 7, At: now, Site: "c_b180", Type: EvPassed, Call: "01JZ8Q4W7N5T3X9V2R6K1M0HDC",
		Instant: now, Cause: CauseNormal, Info: &CallInfo{Caller: Party{Number: "+39066988"}, Dialled: "112", TalkMS: 3}}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ev.AppendJSON(buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever a stranger writes in a name or number, the line is one valid JSON object and comes back.
func FuzzEventJSON(f *testing.F) {
	f.Add("Ada", "+39066988")
	f.Add("\"}\n{", "\xff\u2028<")
	f.Fuzz(func(t *testing.T, display, number string) {
		ev := Event{Type: EvOffered, Info: &CallInfo{Caller: Party{Number: number, Display: display}, Dialled: number}}
		got, err := ev.AppendJSON(nil)
		want, err2 := json.Marshal(ev)
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %q, %v; want %q, %v", got, err, want, err2)
		}
	})
}
