package tracking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/stream"
)

const id = cti.TicketID("c_b180.01JZ8Q4W7N5T3X9V2R6K1M0HDC")

// The example of the standard: 0794 has check digit 5.
func TestCheckDigit_ISO7064(t *testing.T) {
	if got := checkDigit("0794"); got != '5' {
		t.Errorf("got %c", got)
	}
}

func TestParse(t *testing.T) {
	c := newCode()
	for _, s := range []string{string(c), c.String(), string(c[:5]) + "-" + string(c[5:]), " " + string(c) + "."} {
		if got, ok := Parse(s); !ok || got != c {
			t.Errorf("%q: got %q, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "123", string(c) + "1", "12345678a0", "１２３４５６７８９０"} {
		if _, ok := Parse(s); ok {
			t.Errorf("%q passes", s)
		}
	}
}

// 100 % of single-digit errors are caught, at every place of every code: step is
// a permutation of 1 to 10 for each digit, and injective in the digit.
func TestSingleErrors(t *testing.T) {
	for p := 1; p <= 10; p++ {
		seen := map[int]bool{}
		for d := range 10 {
			seen[step(p, d)] = true
		}
		if len(seen) != 10 {
			t.Errorf("state %d: %d successors", p, len(seen))
		}
	}
	for d := range 10 {
		seen := map[int]bool{}
		for p := 1; p <= 10; p++ {
			seen[step(p, d)] = true
		}
		if len(seen) != 10 {
			t.Errorf("digit %d: not a permutation", d)
		}
	}
	for range 40 {
		c := newCode()
		for i := range len(c) {
			for d := byte('0'); d <= '9'; d++ {
				if d == c[i] {
					continue
				}
				if _, ok := Parse(string(c[:i]) + string(d) + string(c[i+1:])); ok {
					t.Fatalf("%s with %c at %d passes", c, d, i)
				}
			}
		}
	}
}

// Adjacent transpositions, counted over every state and every pair of unequal
// digits: what MOD 11,10 catches, neither more nor less.
func TestTranspositions(t *testing.T) {
	pairs, missed := 0, 0
	for p := 1; p <= 10; p++ {
		for a := range 10 {
			for b := range 10 {
				if a == b {
					continue
				}
				pairs++
				if step(step(p, a), b) == step(step(p, b), a) {
					missed++
				}
			}
		}
	}
	t.Logf("missed %d of %d: %.1f %% caught", missed, pairs, 100-100*float64(missed)/float64(pairs))
	if missed != 20 || pairs != 900 {
		t.Errorf("missed %d of %d", missed, pairs)
	}
}

// Every adjacent transposition of a code that we give out is caught.
func TestTranspositions_ofOurs(t *testing.T) {
	for range 500 {
		c := newCode()
		for i := range len(c) - 1 {
			if _, ok := Parse(c.swapped(i)); ok && c[i] != c[i+1] {
				t.Fatalf("%s with digits %d and %d exchanged passes", c, i, i+1)
			}
		}
	}
}

func TestRandom(t *testing.T) {
	seen := map[Code]bool{}
	var count [10]int
	for range 2000 {
		c := newCode()
		if _, ok := Parse(string(c)); !ok || seen[c] {
			t.Fatalf("%s", c)
		}
		seen[c] = true
		count[c[0]-'0']++
	}
	for d, n := range count {
		if n < 120 || n > 290 {
			t.Errorf("first digit %d: %d of 2000", d, n)
		}
	}
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newBook(t *testing.T) (*Book, *clock, cti.Projection) {
	t.Helper()
	c := &clock{t: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}
	rows := &stream.MemoryProjection{}
	b, err := New(Config{Rows: rows, Cost: 4, Now: c.now, Pepper: []byte("pepper")})
	if err != nil {
		t.Fatal(err)
	}
	return b, c, rows
}

func wrong(pin string) string {
	if pin == "000000" {
		return "000001"
	}
	return "000000"
}

func TestIssue(t *testing.T) {
	b, _, rows := newBook(t)
	code, pin, err := b.Issue(t.Context(), id)
	if err != nil || len(pin) != 6 || len(code) != 10 {
		t.Fatal(code, pin, err)
	}
	again, pin2, err := b.Issue(t.Context(), id)
	if err != nil || again != code || pin2 != "" {
		t.Errorf("again: %s %q %v", again, pin2, err)
	}
	if got, ok := b.Ticket(code); !ok || got != id {
		t.Errorf("got %s, %v", got, ok)
	}
	if _, ok := b.Ticket("0000000000"); ok {
		t.Error("unknown code")
	}
	if got, err := b.Check(t.Context(), code, pin, "192.0.2.1"); err != nil || got != id {
		t.Errorf("got %s, %v", got, err)
	}
	err = rows.View(func(tx cti.Tx) error {
		for k, v := range tx.Scan(nil) {
			if strings.Contains(string(v), `"`+pin) {
				t.Errorf("%s holds the PIN", k)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two agents who ask at once get one code, and one of them the PIN.
func TestIssue_concurrent(t *testing.T) {
	b, _, _ := newBook(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes, pins := map[Code]bool{}, 0
	for range 8 {
		wg.Go(func() { // ends by itself
			code, pin, err := b.Issue(t.Context(), id)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			codes[code] = true
			if pin != "" {
				pins++
			}
		})
	}
	wg.Wait()
	if len(codes) != 1 || pins != 1 {
		t.Errorf("%d codes, %d PINs", len(codes), pins)
	}
}

func TestCheck_lock(t *testing.T) {
	b, c, _ := newBook(t)
	code, pin, err := b.Issue(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	try := func(code Code, pin, source string, want error) {
		t.Helper()
		if _, err := b.Check(t.Context(), code, pin, source); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	for i := range 5 { // from five sources: the code is locked
		try(code, wrong(pin), fmt.Sprint("s", i), ErrDenied)
	}
	try(code, pin, "s9", ErrLocked)
	c.add(15*time.Minute - time.Second)
	try(code, pin, "s9", ErrLocked)
	c.add(time.Second)
	try(code, pin, "s9", nil)

	for range 5 { // one source on unknown codes: the source is locked, and each code looks known
		try(newCode(), pin, "evil", ErrDenied)
	}
	try(code, pin, "evil", ErrLocked)
	try(code, pin, "good", nil)
	for range 5 {
		try("1234567890", pin, "", ErrDenied)
	}
	try("1234567890", pin, "", ErrLocked)
}

// A right PIN in between does not give a source more guesses, but ten right ones
// lock nobody.
func TestCheck_mixed(t *testing.T) {
	b, _, _ := newBook(t)
	code, pin, err := b.Issue(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := b.Check(t.Context(), code, pin, "s"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if _, err := b.Check(t.Context(), newCode(), pin, "s"); !errors.Is(err, ErrDenied) {
			t.Fatalf("%d: %v", i, err)
		}
		if i < 4 {
			if _, err := b.Check(t.Context(), code, pin, "s"); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
	}
	if _, err := b.Check(t.Context(), code, pin, "s"); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
}

// Guesses side by side do not outrun the count.
func TestCheck_concurrent(t *testing.T) {
	b, _, _ := newBook(t)
	code, pin, err := b.Issue(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	denied := 0
	for i := range 40 {
		wg.Go(func() { // ends by itself
			if _, err := b.Check(context.Background(), code, wrong(pin), fmt.Sprint("s", i)); errors.Is(err, ErrDenied) {
				mu.Lock()
				denied++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if denied != 5 {
		t.Errorf("%d guesses", denied)
	}
}

func TestLocks_bounded(t *testing.T) {
	l := newLocks(5, time.Minute, 10)
	for i := range 100 {
		l.take(time.Unix(0, 0), fmt.Sprint(i))
	}
	if len(l.keys) != 10 || l.order.Len() != 10 {
		t.Errorf("%d keys", len(l.keys))
	}
}

func ExampleParse() {
	c, ok := Parse("079 412 345 3")
	fmt.Println(c, ok)
	_, ok = Parse("079 412 435 3")
	fmt.Println(ok)
	// Output:
	// 079 412 345 3 true
	// false
}
