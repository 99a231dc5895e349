package configs

import (
	"strings"
	"testing"
)

func TestSRTPWarnings(t *testing.T) {
	listen := func(s string) (l Listen) {
		if err := l.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return l
	}
	tests := []struct {
		name     string
		listen   string
		account  string
		trunk    string
		peer     string
		warnings int
	}{
		{"off", "udp:192.0.2.1:5060", "", "never", "udp:192.0.2.9:5060", 0},
		{"station in the open", "udp:192.0.2.1:5060", "prefer", "", "udp:192.0.2.9:5060", 1},
		{"station over tls", "tls:192.0.2.1:5061", "require", "", "udp:192.0.2.9:5060", 0},
		{"trunk in the open", "tls:192.0.2.1:5061", "", "require", "tcp:192.0.2.9:5060", 1},
		{"trunk over tls", "tls:192.0.2.1:5061", "", "prefer", "tls:192.0.2.9:5061", 0},
		{"both in the open", "tcp:192.0.2.1:5060", "require", "require", "udp:192.0.2.9:5060", 2},
	}
	for _, tt := range tests {
		c := &Config{Accounts: []Account{{User: "1001", SRTP: tt.account}}, Trunks: []Trunk{{Name: "x", SRTP: tt.trunk, Address: listen(tt.peer)}}}
		c.SIP.Listen = []Listen{listen(tt.listen)}
		n := 0
		for _, w := range Warnings(c) {
			if strings.Contains(w, "srtp") {
				n++
			}
		}
		if n != tt.warnings {
			t.Errorf("%s: got %d warnings about srtp in %q, want %d", tt.name, n, Warnings(c), tt.warnings)
		}
	}
}

func TestSRTPWords(t *testing.T) {
	for word, bad := range map[string]bool{"": false, "never": false, "prefer": false, "require": false, "required": true, "yes": true} {
		var paths []string
		r := func(path, _ string) { paths = append(paths, path) }
		checkAccounts(&Config{Accounts: []Account{{User: "1001", Password: "long enough", SRTP: word}}}, r)
		checkPeer(&Config{}, Trunk{Name: "x", URI: "sip:a.example", Certificate: "a", SRTP: word}, "trunks[0].", r)
		if got := len(paths) == 2; got != bad || !bad && len(paths) != 0 {
			t.Errorf("%q: complaints about %q", word, paths)
		}
	}
}
