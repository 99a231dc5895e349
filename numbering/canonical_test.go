package numbering

import (
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := []struct{ want, forms string }{
		// Every number of the service in the forms in which it arrives.
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
				if strings.ContainsAny(got, "0123456789") {
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
