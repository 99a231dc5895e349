package media

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	for _, s := range Suites() {
		a, b := NewSecret(s), NewSecret(s)
		if a == b || a.Suite() != s || len(a.Key()) != 16 || len(a.Key())+len(a.Salt()) != s.SecretLen() || s.String() == "" {
			t.Errorf("%v: got key of %d, salt of %d bytes", s, len(a.Key()), len(a.Salt()))
		}
		same, ok := SecretOf(s, append(a.Key(), a.Salt()...))
		if !ok || same != a {
			t.Errorf("%v: made of its parts it differs", s)
		}
		for _, n := range []int{0, s.SecretLen() - 1, s.SecretLen() + 1} {
			if _, ok := SecretOf(s, make([]byte, n)); ok {
				t.Errorf("%v: taken with %d bytes", s, n)
			}
		}
	}
	var none Secret
	if none != NewSecret(Plain) || len(none.Salt()) != 0 || Plain.SecretLen() != 0 || Plain.String() != "" {
		t.Error("no secret has a salt or a name")
	}
	if _, ok := SecretOf(Plain, nil); ok {
		t.Error("a secret was made for no protection")
	}
}

// Whatever prints a secret, or what holds one, shows no byte of it.
func TestSecret_NeverPrinted(t *testing.T) {
	s := NewSecret(GCM)
	holder := struct {
		Seal Secret
		More *Secret
	}{s, &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%X"} {
		fmt.Fprintf(&out, verb+verb+"\n", s, holder)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "holder", holder)
	raw, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(raw)
	text := strings.ToLower(out.String())
	if !strings.Contains(text, "secret(aead_aes_128_gcm)") {
		t.Errorf("got %s", text)
	}
	key := s.Key()
	for _, leak := range []string{hex.EncodeToString(key[:4]), fmt.Sprintf("%d, %d, %d", key[0], key[1], key[2]), fmt.Sprintf("%d %d %d", key[0], key[1], key[2])} {
		if strings.Contains(text, leak) {
			t.Fatalf("%q of the key in %s", leak, text)
		}
	}
}
