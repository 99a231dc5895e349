package b2bua

import (
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/cti"
)

func TestIdentity_RFC3325(t *testing.T) {
	tests := []struct {
		name         string
		p            cti.Party
		trusted      bool
		from         string
		pai, privacy string
	}{
		{"known caller to a station", cti.Party{Number: "+390831000111", Display: `M. "Rossi"`, Verified: true}, false, `"M. 'Rossi'" <sip:+390831000111@10.0.0.1:5060>;tag=t`, "", ""},
		{"verified caller to an office", cti.Party{Number: "0831", Verified: true}, true, "<sip:0831@10.0.0.1:5060>;tag=t", "<sip:0831@10.0.0.1>", ""},
		{"unverified caller to an office", cti.Party{Number: "0831"}, true, "<sip:0831@10.0.0.1:5060>;tag=t", "", ""},
		{"withheld stays withheld", cti.Party{Number: "0831", Display: "Rossi", Withheld: true, Verified: true}, true, `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=t`, "", "id"},
		{"a caller with a name only", cti.Party{Display: "Banco 5"}, true, `"Banco 5" <sip:Banco5@10.0.0.1:5060>;tag=t`, "", ""},
		{"nobody", cti.Party{}, false, `"Anonymous" <sip:anonymous@anonymous.invalid>;tag=t`, "", ""},
		{"a header is not injected", cti.Party{Number: "08\r\nX: 1", Display: "a\r\nVia: b"}, false, `"aVia: b" <sip:08X1@10.0.0.1:5060>;tag=t`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := from(tt.p, "10.0.0.1", 5060, "t").Value(); got != tt.from {
				t.Errorf("From: got %s, want %s", got, tt.from)
			}
			req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
			assert(req, tt.p, Target{Trusted: tt.trusted}, "10.0.0.1")
			if got := header(req, "P-Asserted-Identity"); got != tt.pai {
				t.Errorf("PAI: got %q, want %q", got, tt.pai)
			}
			if got := header(req, "Privacy"); got != tt.privacy {
				t.Errorf("Privacy: got %q, want %q", got, tt.privacy)
			}
		})
	}
}

func TestUnsupported_RFC3261_8_2_2_3(t *testing.T) {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Host: "x"})
	req.AppendHeader(sip.NewHeader("Require", "timer, 100rel, precondition"))
	req.AppendHeader(sip.NewHeader("Require", "Replaces, outbound"))
	if got := unsupported(req); got != "precondition, outbound" {
		t.Errorf("got %q", got)
	}
}

func TestKeyIn(t *testing.T) {
	for body, want := range map[string]string{
		"Signal=5\r\nDuration=160\r\n": "5", "Duration=1\r\nSignal = * \r\n": "*", "signal=11": "#", "7": "7", "d\r\n": "D",
		"": "", "Signal=": "", "Signal=55": "", "Duration=160": "", "hello": "",
	} {
		k, ok := keyIn(body)
		got := ""
		if ok {
			got = string(k)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}
