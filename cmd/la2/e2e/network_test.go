//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A network is one `la2 demo`.
type network struct {
	*proc
	args []string
}

// demo returns the demo network with these arguments. One that runs with the
// same is used again; any other is stopped first.
func demo(t *testing.T, args ...string) *network {
	t.Helper()
	if n := world.net; n != nil {
		select {
		case <-n.done:
			t.Logf("the demo had ended: %s", strings.Join(n.text(), "\n"))
		default:
			if slices.Equal(n.args, args) {
				return n
			}
		}
		n.stop()
	}
	n, err := openNetwork(args...)
	if err != nil {
		t.Fatal(err)
	}
	world.net = n
	return n
}

func openNetwork(args ...string) (*network, error) {
	p, err := spawn("", world.bin, append([]string{"demo"}, args...)...)
	if err != nil {
		return nil, err
	}
	if _, _, ok := p.until(0, 10*time.Second, func(l string) bool { return l == "la2 ready" }); !ok {
		p.kill()
		return nil, fmt.Errorf("%s: not ready: %s", p.name, strings.Join(p.text(), "\n"))
	}
	return &network{proc: p, args: args}, nil
}

// stop ends it as Ctrl-C does and returns how long that took.
func (n *network) stop() time.Duration {
	from := time.Now()
	n.signal(syscall.SIGINT)
	select {
	case <-n.done:
	case <-time.After(15 * time.Second):
		n.kill()
	}
	if world.net == n {
		world.net = nil
	}
	return time.Since(from)
}

// faults are the lines that a node logged as errors.
func (n *network) faults() []string {
	var out []string
	for _, l := range n.text() {
		if strings.Contains(l, "level=ERROR") || strings.Contains(l, "panic") {
			out = append(out, l)
		}
	}
	return out
}
