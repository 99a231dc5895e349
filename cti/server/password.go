package server

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id (RFC 9106) with the smallest recommended memory of OWASP: 19 MiB,
// two passes, one lane; about 20 ms of one core.
const (
	argonMemoryKiB = 19 * 1024
	argonPasses    = 2
	argonLanes     = 1
	argonSalt      = 16
	argonKey       = 32
)

// HashPassword makes the string that a configuration file holds:
// $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY. The password is 1 to 256 bytes.
func HashPassword(password string) (string, error) {
	if password == "" || len(password) > 256 {
		return "", fmt.Errorf("server: password: %d bytes, want 1 to 256", len(password))
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonMemoryKiB, argonLanes, argonKey)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemoryKiB, argonPasses, argonLanes,
		enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// VerifyPassword tells whether password made hash, in time that does not
// depend on how much of it is right. The error is about a malformed hash, or
// one that would cost more than 256 MiB or 16 passes.
func VerifyPassword(hash, password string) (bool, error) {
	h, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	key := argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1, nil
}

// ValidHash tells whether hash is one that VerifyPassword accepts; for
// checking a configuration.
func ValidHash(hash string) error {
	_, err := parseHash(hash)
	return err
}

type passwordHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func parseHash(s string) (h passwordHash, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, fmt.Errorf("server: password hash: want $argon2id$v=%d$m=,t=,p=$salt$key", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, fmt.Errorf("server: password hash: parameters %q: %w", parts[3], err)
	}
	if h.memory < 8 || h.memory > 256*1024 || h.passes < 1 || h.passes > 16 || h.lanes < 1 {
		return h, fmt.Errorf("server: password hash: parameters %q out of range", parts[3])
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return h, fmt.Errorf("server: password hash: bad salt")
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return h, fmt.Errorf("server: password hash: bad key")
	}
	return h, nil
}
