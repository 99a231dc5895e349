package tracking

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/lineaamica/la2/cti"
)

// Errors of Check. Test with errors.Is.
var (
	// ErrDenied: the code is unknown or the PIN is wrong; nobody is told which.
	ErrDenied = errors.New("tracking: denied")
	// ErrLocked: too many wrong PINs for this code or from this source.
	ErrLocked = errors.New("tracking: locked for a while")
)

// Config of a Book. Rows is required.
type Config struct {
	// Rows is the table of codes, used by nobody else and not folded from the
	// stream.
	Rows cti.Projection
	// Cost of the bcrypt hash, 4 to 31. Default 10, some 50 ms. A PIN has a
	// million values: whoever has the table and Pepper finds each in half a day.
	Cost int
	// Pepper is a secret of the node kept apart from Rows; without it the hashes
	// cannot be tried at all. Default: none.
	Pepper []byte
	// Limit is how many wrong PINs lock, Hold for how long. Default 5 and 15m.
	Limit int
	Hold  time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// A Book knows all codes of this office. Safe for concurrent use.
type Book struct {
	cfg   Config
	decoy []byte // a hash that no PIN has
	locks *locks
	turns chan struct{} // bounds the hashes computed at once
}

// row is what the table holds under a code.
type row struct {
	Ticket cti.TicketID `json:"ticket"`
	Hash   []byte       `json:"hash"`
	At     time.Time    `json:"at"`
}

func codeKey(c Code) []byte           { return []byte("k/" + string(c)) }
func ticketKey(t cti.TicketID) []byte { return []byte("t/" + string(t)) }

// New makes a Book.
func New(cfg Config) (*Book, error) {
	if cfg.Cost == 0 {
		cfg.Cost = bcrypt.DefaultCost
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 5
	}
	if cfg.Hold <= 0 {
		cfg.Hold = 15 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Book{cfg: cfg, locks: newLocks(cfg.Limit, cfg.Hold, 100_000), turns: make(chan struct{}, 2)}
	var err error
	if b.decoy, err = bcrypt.GenerateFromPassword([]byte(randomDigits(20)), cfg.Cost); err != nil {
		return nil, fmt.Errorf("tracking: cost %d: %w", cfg.Cost, err)
	}
	return b, nil
}

// secret is what is hashed for a PIN: 64 bytes, bcrypt takes 72.
func (b *Book) secret(c Code, pin string) []byte {
	m := hmac.New(sha256.New, b.cfg.Pepper)
	m.Write([]byte(c))
	m.Write([]byte(":" + pin))
	return hex.AppendEncode(nil, m.Sum(nil))
}

// Issue makes the code and the PIN of a ticket and returns them when they are
// durable. A ticket has one code: issued again, pin is "".
func (b *Book) Issue(ctx context.Context, id cti.TicketID) (code Code, pin string, err error) {
	if code, ok := b.CodeOf(id); ok {
		return code, "", nil
	}
	for {
		code, pin = newCode(), randomDigits(6)
		hash, err := bcrypt.GenerateFromPassword(b.secret(code, pin), b.cfg.Cost)
		if err != nil {
			return "", "", fmt.Errorf("tracking: issue: %w", err)
		}
		raw, err := json.Marshal(row{id, hash, b.cfg.Now().UTC()})
		if err != nil {
			return "", "", fmt.Errorf("tracking: issue: %w", err)
		}
		taken, earlier := false, Code("")
		err = b.cfg.Rows.Update(ctx, func(tx cti.Tx) error {
			taken, earlier = tx.Get(codeKey(code)) != nil, Code(tx.Get(ticketKey(id)))
			if taken || earlier != "" {
				return nil
			}
			if err := tx.Put(codeKey(code), raw); err != nil {
				return err
			}
			return tx.Put(ticketKey(id), []byte(code))
		})
		switch {
		case err != nil:
			return "", "", fmt.Errorf("tracking: issue: %w", err)
		case earlier != "":
			return earlier, "", nil
		case !taken:
			return code, pin, nil
		}
	}
}

// CodeOf is the code of a ticket that has one.
func (b *Book) CodeOf(id cti.TicketID) (code Code, ok bool) {
	err := b.cfg.Rows.View(func(tx cti.Tx) error {
		code = Code(tx.Get(ticketKey(id)))
		return nil
	})
	return code, err == nil && code != ""
}

// Ticket finds the ticket of a code, without PIN: it lets a call join the ticket
// but shows nothing of it to the caller.
func (b *Book) Ticket(c Code) (id cti.TicketID, ok bool) {
	r, ok := b.row(c)
	return r.Ticket, ok
}

func (b *Book) row(c Code) (r row, ok bool) {
	err := b.cfg.Rows.View(func(tx cti.Tx) error {
		raw := tx.Get(codeKey(c))
		if raw == nil {
			return nil
		}
		ok = true
		return json.Unmarshal(raw, &r)
	})
	return r, ok && err == nil
}

// Check finds the ticket for a code with its PIN. source names who asks: an
// address or a telephone number, "" when unknown (then only the code is locked).
// Errors: ErrDenied, after the same work for an unknown code as for a wrong PIN;
// ErrLocked; the context's.
func (b *Book) Check(ctx context.Context, c Code, pin, source string) (cti.TicketID, error) {
	keys := []string{"c/" + string(c)}
	if source != "" {
		keys = append(keys, "s/"+source)
	}
	if !b.locks.take(b.cfg.Now(), keys...) {
		return "", ErrLocked
	}
	select {
	case b.turns <- struct{}{}:
		defer func() { <-b.turns }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	r, known := b.row(c)
	hash := r.Hash
	if !known {
		hash = b.decoy
	}
	if bcrypt.CompareHashAndPassword(hash, b.secret(c, pin)) != nil || !known {
		return "", ErrDenied
	}
	b.locks.clear(keys[0])
	if source != "" {
		b.locks.unbook("s/" + source) // earlier failures of the source still count
	}
	return r.Ticket, nil
}
