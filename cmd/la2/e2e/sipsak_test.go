//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// sipsak's checks against the hub: exit 0 is its own verdict.
func TestSipsak(t *testing.T) {
	need(t, "sipsak")
	demo(t, "--bots=false")
	t.Run("OPTIONS", func(t *testing.T) {
		out := output(t, 0, "sipsak", "-vv", "-s", "sip:803001@127.0.0.1:5060")
		if !strings.Contains(out, "200 OK") {
			t.Errorf("sipsak says\n%s", out)
		}
	})
	t.Run("register, and remove", func(t *testing.T) {
		output(t, 0, "sipsak", "-U", "-C", "sip:1006@127.0.0.1:7777", "-x", "600", "-u", "1006", "-a", "demo-1006", "-s", "sip:1006@127.0.0.1:5060")
		out := output(t, 0, "sipsak", "-U", "-vvv", "-C", "empty", "-u", "1006", "-a", "demo-1006", "-s", "sip:1006@127.0.0.1:5060")
		if !strings.Contains(out, "127.0.0.1:7777") {
			t.Errorf("the binding is not in the list:\n%s", out)
		}
		nowhere(t, "1006")
	})
	t.Run("wrong password", func(t *testing.T) {
		if out := output(t, 2, "sipsak", "-U", "-C", "sip:1005@127.0.0.1:7777", "-x", "600", "-u", "1005", "-a", "wrong", "-s", "sip:1005@127.0.0.1:5060"); strings.Contains(out, "200 OK") {
			t.Errorf("let in:\n%s", out)
		}
	})
}
