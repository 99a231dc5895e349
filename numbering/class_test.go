package numbering

import (
	"slices"
	"strings"
	"testing"
)

func TestClassOf(t *testing.T) {
	t.Parallel()
	for class, numbers := range map[Class]string{
		Emergency:     "112 113 115 118",
		Geographic:    "+3906828881 +390831000111 +39039039039 +395512345678",
		Mobile:        "+393381234567",
		Freephone:     "800155300 803001 800840840",
		Shared:        "840000111 848800444 199123456 178123456",
		Special:       "114 1500 1515 1530 117 116117 039039039",
		Premium:       "892424 899123456 895123456 144123456 16612345 1254 12412 4855 45500 7021234567 701123456 9 5 +3989212345 +394",
		International: "+442071838750 +3712345678 +8835100012345 +97912345 +41",
		Internal:      "bench agent-7 *72 +x",
	} {
		for n := range strings.SplitSeq(numbers, " ") {
			if got := ClassOf(n); got != class {
				t.Errorf("%s: got %s, want %s", n, got, class)
			}
			if IsEmergency(n) != (class == Emergency) {
				t.Errorf("%s: emergency is %v", n, IsEmergency(n))
			}
		}
	}
	if slices.Contains(Classes(), Emergency) || slices.Contains(Classes(), Internal) {
		t.Error("what is always allowed is no choice")
	}
}

// However an emergency number is written, it is one; nothing near it is.
func TestIsEmergency_forms(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"112", "tel:112", "+39112", "0039 112", "sip:112@10.0.0.1", "tel:112;phone-context=+39", "1-1-2"} {
		if n := Canonical(form); !IsEmergency(n) {
			t.Errorf("%s is %s", form, n)
		}
	}
	for _, form := range []string{"1120", "0112", "11", "+112", "112x", "", "+44112"} {
		if n := Canonical(form); IsEmergency(n) {
			t.Errorf("%s is %s", form, n)
		}
	}
}

func TestPresentable(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"+3906828881", "+393381234567", "+442071838750"} {
		if !Presentable(n) || HasService(n) {
			t.Errorf("%s may not be shown", n)
		}
	}
	for _, n := range []string{"", "+", "803001", "+39803001", "800155300", "+39112", "1001", "+39899123456", "06828881", "+39x6828881", "+3906828881234567"} {
		if Presentable(n) {
			t.Errorf("%s may be shown", n)
		}
	}
	for _, n := range []string{"803001", "+39803001", "800155300", "112", "+39112", "892424"} {
		if !HasService(n) {
			t.Errorf("%s is no service", n)
		}
	}
	for _, n := range []string{"1001", "", "3001"} {
		if HasService(n) {
			t.Errorf("%s is a service", n)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ number, global, domestic string }{
		{"+3906828881", "+3906828881", "06828881"}, // the leading 0 stays
		{"+393381234567", "+393381234567", "3381234567"},
		{"+442071838750", "+442071838750", "00442071838750"},
		{"+39039039039", "+39039039039", "039039039"},
		{"039039039", "039039039", "039039039"},
		{"803001", "803001", "803001"},
		{"112", "112", "112"},
		{"+39", "+39", "0039"},
		{"1001", "1001", "1001"},
	} {
		if got := Global.Write(tt.number); got != tt.global {
			t.Errorf("%s e164: got %s", tt.number, got)
		}
		if got := Domestic.Write(tt.number); got != tt.domestic {
			t.Errorf("%s national: got %s", tt.number, got)
		}
		if LeavesCountry(tt.number, tt.global) || LeavesCountry(tt.number, tt.domestic) {
			t.Errorf("%s: a format gives it a country code", tt.number)
		}
	}
	for _, tt := range []struct{ number, written string }{{"803001", "+39803001"}, {"800155300", "0039800155300"}, {"039039039", "+39039039039"}, {"112", "+39112"}} {
		if !LeavesCountry(tt.number, tt.written) {
			t.Errorf("%s as %s goes unseen", tt.number, tt.written)
		}
	}
}

// A national number never gains a country code by a format, and what is written
// canonically reads back as the same number.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"803001", "+3906828881", "0044", "112", "+39", "039039039", "338 1234567", "bench"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := Canonical(s)
		for _, form := range []Format{Global, Domestic} {
			if w := form.Write(n); !strings.HasPrefix(n, "00") && LeavesCountry(n, w) {
				t.Errorf("%q as %s is %q", n, form, w)
			}
		}
		if Global.Write(n) != n {
			t.Errorf("%q is not itself", n)
		}
	})
}

func TestService_RFC5031_4_2(t *testing.T) {
	t.Parallel()
	for urn, want := range map[string]string{
		"service:sos": "112", "SERVICE:SOS": "112", "service:sos.police": "113", "service:sos.fire": "115", "service:sos.ambulance": "118",
		"service:sos.marine": "112", "service:sos.police.municipal": "113", "service:sosx": "", "service:counseling": "", "": "", "service:": "",
	} {
		if got, ok := Service(urn); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", urn, got, ok)
		}
		if want != "" && !IsEmergency(want) {
			t.Errorf("%s leads to %s, which is none", urn, want)
		}
	}
}
