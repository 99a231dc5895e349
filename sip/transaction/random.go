package transaction

import (
	"crypto/rand"
	"encoding/hex"
)

// randomToken returns 96 bits from crypto/rand as 24 hexadecimal digits: enough that a branch
// or tag is neither repeated nor guessed (RFC 3261 19.3 asks for 32 bits).
func randomToken() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
