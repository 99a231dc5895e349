package flow_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/wire"
)

// mutate damages a message in one to eight places.
func mutate(rng *rand.Rand, in []byte) []byte {
	b := append([]byte(nil), in...)
	for range 1 + rng.IntN(8) {
		i := rng.IntN(len(b))
		switch rng.IntN(5) {
		case 0:
			b[i] = byte(rng.Uint32())
		case 1:
			b = append(b[:i:i], b[min(len(b), i+1+rng.IntN(20)):]...)
		case 2:
			j := rng.IntN(len(b))
			b = append(b[:i:i], append(append([]byte(nil), b[min(i, j):max(i, j)]...), b[i:]...)...)
		case 3:
			b[i] = "\r\n:;,<>\"\\ \t\x00/="[rng.IntN(14)]
		case 4:
			b = append(b[:i:i], append([]byte("99999999999"), b[i:]...)...)
		}
		if len(b) == 0 {
			return []byte("x")
		}
	}
	return b[:min(len(b), 60000)]
}

func corpus(t *testing.T) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../testdata/sip/torture/rfc4475/*.dat")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// Damaged messages, as datagrams and as streams: no panic here or in the typed parser, no reply
// storm, no connection or goroutine left (synctest tells).
func TestHostileBytes(t *testing.T) {
	messages := corpus(t)
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4475, 1))
		n := newNode(t, flow.Config{})
		n.mu.Lock()
		n.onMsg = func(_ flow.Flow, m *wire.Message) {
			_, _ = sip.NewParser().ParseSIP(wire.AppendCanonical(nil, m))
		}
		n.mu.Unlock()
		s := n.phone(t, phoneAddr)
		sent := 0
		for range 100 {
			for _, b := range messages {
				b = mutate(rng, b)
				sent++
				_, _ = s.WriteToUDPAddrPort(b, nodeAddr)
			}
			time.Sleep(time.Second)
		}
		for range 20 {
			for _, b := range messages {
				c := dial(t, n.net, "10.0.0.1")
				_, _ = c.Write(mutate(rng, b))
				_ = c.Close()
			}
		}
		time.Sleep(time.Minute)
		got := n.Stats()
		if got.Panics != 0 || got.Connections != 0 {
			t.Errorf("stats %+v", got)
		}
		if got.Received == 0 || got.Malformed == 0 || got.Refused > got.Malformed {
			t.Errorf("stats %+v: the mutations do not reach both ways", got)
		}
		t.Logf("%d datagrams: %+v", sent, got)
	})
}
