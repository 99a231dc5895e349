package route

import (
	"fmt"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := []struct{ want, forms string }{
		// DOMAIN A.1, every number in the forms in which it arrives.
		{"803001", "803001|803.001|803 001|803-001|tel:803001;phone-context=+39|sip:803001@la2.example|sip:803.001@10.0.0.1:5060;user=phone|+39803001|0039 803 001|SIP:803001@x"},
		{"+3906828881", "06.828881|06828881|+39 06 828881|0039 06 828881|tel:+39-06-828881|sip:+3906828881@h;user=phone|sip:%2B3906828881@h|+39 (06) 828881"},
		{"800155300", "800.155.300|800155300|+39800155300"},
		{"800840840", "800.840.840|800840840"},
		{"039039039", "039.039.039|039039039|039 039 039|tel:039039039;phone-context=+39|sip:039039039@h"},
		{"800000039", "800.000.039|800000039"},
		{"+390682888740", "06 82888740|0682888740|+390682888740"},
		{"+39020202", "02.02.02|020202"},
		{"+39060606", "06.06.06|060606"},
		{"+3906823780", "06 823780"},
		// Monza is +39 039…: only the one national number is not there.
		{"+390392372200", "039 2372200|+390392372200"},
		{"+39039039039", "+39039039039|0039 039 039039"},
		// Services of the demo, mobiles, short codes, the world.
		{"+390831000111", "+390831000111|0831 000111|0831/000111"},
		{"+393381234567", "338 1234567|+39 338 1234567|00393381234567"},
		{"112", "112|tel:112"},
		{"112", "+39112"},
		{"+442071838750", "+44 20 7183 8750|0044 20 7183 8750"},
		{"+39", "+39"},
		// Stations and names.
		{"1001", "1001|sip:1001@127.0.0.1|sip:1001@127.0.0.1;transport=tcp"},
		{"3001", "3001"},
		{"0", "0"},
		{"bench", "bench|sip:bench@127.0.0.1"},
		{"u12", "u12"},
		{"*72", "*72"},
		{"", "| |sip:@h|tel:|+|.-"},
	}
	for _, tt := range tests {
		for form := range strings.SplitSeq(tt.forms, "|") {
			got := Canonical(form)
			if tt.want == "" {
				if _, ok := (&Table{}).Lookup(form); ok || strings.ContainsAny(got, "0123456789") {
					t.Errorf("Canonical(%q) = %q holds a number", form, got)
				}
				continue
			}
			if got != tt.want {
				t.Errorf("Canonical(%q) = %q, want %q", form, got, tt.want)
			}
			if again := Canonical(got); again != got {
				t.Errorf("Canonical(%q) = %q: not stable", got, again)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	if _, err := New([]Rule{{Number: "+", Prefix: true, Trunk: "bad"}}); err == nil {
		t.Error("a prefix without digits must fail")
	}
	table, err := New([]Rule{
		{Number: "803.001", Service: "linea-amica"},
		{Number: "06.828881", Service: "linea-amica"},
		{Number: "039.039.039", Service: "easy-italia"},
		{Number: "1001", Device: "1001"},
		{Number: "bench", Contact: "sip:bench@10.0.0.9"},
		{Number: "+390831000111", Trunk: "brindisi"},
		{Number: "0831", Prefix: true, Trunk: "puglia"},
		{Number: "+39", Prefix: true, Trunk: "carrier"},
		{Number: "+39039", Prefix: true, Trunk: "monza"},
		{Number: "800", Prefix: true, Trunk: "freephone"},
		{Number: "0044", Prefix: true, Trunk: "abroad"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for dialled, want := range map[string]Target{
		"803001":                           {Number: "803001", Service: "linea-amica"},
		"tel:803001;phone-context=+39":     {Number: "803001", Service: "linea-amica"},
		"+39 06 828881":                    {Number: "+3906828881", Service: "linea-amica"},
		"039039039":                        {Number: "039039039", Service: "easy-italia"}, // not Monza
		"039 2372200":                      {Number: "+390392372200", Trunk: "monza"},
		"+39039039039":                     {Number: "+39039039039", Trunk: "monza"},
		"0831 000111":                      {Number: "+390831000111", Trunk: "brindisi"}, // full before prefix
		"0831 000112":                      {Number: "+390831000112", Trunk: "puglia"},
		"02 123456":                        {Number: "+3902123456", Trunk: "carrier"},
		"800 155 300":                      {Number: "800155300", Trunk: "freephone"},
		"+442071838750":                    {Number: "+442071838750", Trunk: "abroad"},
		"sip:1001@10.0.0.1":                {Number: "1001", Device: "1001"},
		"sip:bench@10.0.0.1;transport=udp": {Number: "bench", Contact: "sip:bench@10.0.0.9"},
	} {
		if got, ok := table.Lookup(dialled); !ok || got != want {
			t.Errorf("Lookup(%q) = %+v, %v, want %+v", dialled, got, ok, want)
		}
	}
	for _, dialled := range []string{"", "1002", "803002", "+33123456789", "benches"} {
		if got, ok := table.Lookup(dialled); ok {
			t.Errorf("Lookup(%q) = %+v, want nothing", dialled, got)
		}
	}
}

func TestNewFaults(t *testing.T) {
	t.Parallel()
	_, err := New([]Rule{
		{Number: "803001", Service: "a"},
		{Number: "803.001", Service: "b"},
		{Number: "1001"},
		{Number: "1002", Device: "d", Trunk: "t"},
		{Number: " ", Device: "d"},
	})
	for _, want := range []string{`"803.001": leads to a and to b`, `"1001": 0 targets`, `"1002": 2 targets`, `" ": no digits`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

// Canonical is stable, never panics, and the result of a number has no separators.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"803.001", "+39 06.828881", "tel:803001;phone-context=+39", "sip:%2B39@h", "0039", "+", "", "%zz", "++39", "039039039"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Canonical(s)
		digits, _, ok := dialDigits(got)
		if ok && strings.TrimPrefix(got, "+") != digits {
			t.Errorf("Canonical(%q) = %q has separators", s, got)
		}
		if ok && Canonical(got) != got {
			t.Errorf("Canonical(%q) = %q, again %q", s, got, Canonical(got))
		}
	})
}

func ExampleTable_Lookup() {
	table, err := New([]Rule{
		{Number: "803.001", Service: "linea-amica"},
		{Number: "+39", Prefix: true, Trunk: "carrier"},
	})
	if err != nil {
		panic(err)
	}
	for _, dialled := range []string{"tel:803001;phone-context=+39", "06 1234567"} {
		to, ok := table.Lookup(dialled)
		fmt.Println(to.Number, to.Service, to.Trunk, ok)
	}
	// Output:
	// 803001 linea-amica  true
	// +39061234567  carrier true
}
