package ticket

import (
	"reflect"
	"testing"
)

func TestLint(t *testing.T) {
	for subject, want := range map[string][]string{
		"Ricongiunzione contributi":                       nil,
		"Domanda del sig. RSSMRA80A01H501U":               {"codice_fiscale"},
		"cf rssmra80a01h50mu, tel. 333 1234567":           {"codice_fiscale", "phone"},
		"rimborso su IT60 X054 2811 1010 0000 0123 456":   {"iban"},
		"rimborso su IT60X0542811101000000123456":         {"iban"},
		"IT61X0542811101000000123456 has a wrong check":   nil,
		"richiamare +39 0831 000111":                      {"phone"},
		"richiamare 0831/000111 o mario.rossi@example.it": {"email", "phone"},
		"dal 01/02/2026 al 01.03.2026":                    nil,
		"richiamare 0831-000111":                          {"phone"},
		"pratica 2026/000123 del 10.03.2026":              nil,
		"verbale 12345678":                                nil,
		"bando 803001":                                    nil,
		"protocollo 0012345 anno 2026":                    nil,
		"+393331234567 e 0039 06 828881 e a@b.it":         {"email", "phone", "phone"},
		"": nil,
	} {
		var got []string
		for _, w := range Lint(subject) {
			got = append(got, w.Kind)
			if w.Start < 0 || w.End > len(subject) || w.Start >= w.End {
				t.Errorf("%q: %+v", subject, w)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", subject, got, want)
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add("RSSMRA80A01H501U IT60X0542811101000000123456 +39 333 1234567 a@b.it")
	f.Fuzz(func(t *testing.T, s string) {
		end := map[int]bool{}
		for _, w := range Lint(s) {
			for i := w.Start; i < w.End; i++ {
				if end[i] {
					t.Fatalf("%q: byte %d found twice", s, i)
				}
				end[i] = true
			}
		}
	})
}
