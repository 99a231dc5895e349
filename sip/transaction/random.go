package transaction

import (
	"crypto/rand"
	"encoding/base32"
)

// letters are base32 in lower case.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// randomToken returns 80 bits from crypto/rand as 16 letters and digits: enough that a branch
// or tag is neither repeated nor guessed (RFC 3261 19.3 asks for 32 bits).
func randomToken() string {
	var b [10]byte
	rand.Read(b[:])
	return letters.EncodeToString(b[:])
}
