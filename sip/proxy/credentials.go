package proxy

import (
	"bytes"
	"strings"

	"github.com/lineaamica/la2/sip/digest"
)

// forRealm reports whether an Authorization or Proxy-Authorization value is Digest for that realm.
// One that nobody can read is, when it names the realm.
func forRealm(value []byte, realm string) bool {
	text := strings.NewReplacer("\r", " ", "\n", " ").Replace(string(value))
	if len(text) < 6 || !strings.EqualFold(text[:6], "digest") {
		return false
	}
	if c, err := digest.ParseCredentials(text); err == nil {
		return c.Realm == realm
	}
	return bytes.Contains(value, []byte(realm))
}
