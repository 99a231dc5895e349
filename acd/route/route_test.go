package route

import (
	"fmt"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, nothing := range []string{"", " ", "sip:@h", "tel:", "+", ".-"} {
		if to, ok := (&Table{}).Lookup(nothing); ok {
			t.Errorf("%q leads to %+v", nothing, to)
		}
	}
	if _, err := New([]Rule{{Number: "-", Prefix: true, Trunk: "bad"}}); err == nil {
		t.Error("a prefix without digits must fail")
	}
	if world, err := New([]Rule{{Number: "+", Prefix: true, Trunk: "world"}}); err != nil {
		t.Error(err)
	} else if to, ok := world.Lookup("0033 123456789"); !ok || to.Trunk != "world" {
		t.Errorf("all countries: %+v, %v", to, ok)
	} else if to, ok := world.Lookup("803001"); ok {
		t.Errorf("a number without a country leads to %+v", to)
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
