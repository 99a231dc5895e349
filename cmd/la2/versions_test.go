package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fixed are the first versions without a published fault that a stranger can reach, of libraries
// that we use or will: docs/security.md names the advisories. A major version of its own path
// stands for all before it.
var fixed = map[string]string{
	"github.com/emiago/sipgo":             "v1.4.3",  // GHSA-c623, GHSA-pg59, GHSA-8h6x
	"github.com/coder/websocket":          "v1.8.15", // none known before; the one that was reviewed
	"go.etcd.io/bbolt":                    "v1.5.0",  // the one that the crash tests ran on
	"github.com/miekg/dns":                "v1.1.25", // CVE-2019-19794: identifiers that can be guessed
	"github.com/prometheus/client_golang": "v1.11.1", // CVE-2022-21698
	"google.golang.org/protobuf":          "v1.33.0", // CVE-2024-24786
	"golang.org/x/crypto":                 "v0.45.0", // CVE-2025-47914, CVE-2025-58181
	"golang.org/x/net":                    "v0.38.0", // CVE-2025-22872
	"github.com/pion/stun/v3":             "v3.1.5",  // GHSA-34rh
	"github.com/pion/dtls/v3":             "v3.1.4",  // CVE-2026-54908, CVE-2026-26014
	"github.com/pion/interceptor":         "v0.1.39", // CVE-2025-49140
	"github.com/pion/webrtc/v4":           "v4.1.2",  // with that interceptor
	"github.com/pion/webrtc":              "none", "github.com/pion/webrtc/v2": "none", "github.com/pion/webrtc/v3": "none",
	"github.com/pion/dtls": "none", "github.com/pion/dtls/v2": "none", "github.com/pion/stun": "none", "github.com/pion/stun/v2": "none",
	"gopkg.in/yaml.v2": "none", "nhooyr.io/websocket": "none", "github.com/boltdb/bolt": "none",
}

// below reports whether v is an older version than least; "none" is above all.
func below(v, least string) bool {
	if least == "none" {
		return true
	}
	a, b := strings.Split(strings.TrimPrefix(v, "v"), "."), strings.Split(strings.TrimPrefix(least, "v"), ".")
	for i := range 3 {
		x, _ := strconv.Atoi(strings.SplitN(a[i], "-", 2)[0])
		y, _ := strconv.Atoi(b[i])
		if x != y {
			return x < y
		}
	}
	return strings.Contains(v, "-") // a version before the release
}

func TestBelow(t *testing.T) {
	for _, tt := range []struct {
		v, least string
		want     bool
	}{
		{"v1.4.2", "v1.4.3", true}, {"v1.4.3", "v1.4.3", false}, {"v1.10.0", "v1.4.3", false}, {"v0.9.9", "v1.0.0", true},
		{"v2.0.0", "v1.4.3", false}, {"v1.4.3-rc1", "v1.4.3", true}, {"v1.4.4-0.20260101000000-abcdef", "v1.4.3", false}, {"v9.9.9", "none", true},
	} {
		if got := below(tt.v, tt.least); got != tt.want {
			t.Errorf("%s below %s: %v", tt.v, tt.least, got)
		}
	}
}

// No library is older than the version that mended what is published about it.
func TestLibrariesAreMended(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) > 0 && f[0] == "require" {
			f = f[1:]
		}
		if len(f) < 2 || !strings.HasPrefix(f[1], "v") {
			continue
		}
		least, listed := fixed[f[0]]
		if !listed {
			continue
		}
		seen++
		if below(f[1], least) {
			t.Errorf("%s %s: want %s or newer", f[0], f[1], least)
		}
	}
	if seen < 5 {
		t.Errorf("only %d libraries of the list are in go.mod", seen)
	}
}
