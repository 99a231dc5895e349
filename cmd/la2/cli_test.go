package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lineaamica/la2/store"
)

// TestMain runs the command itself when a test asks for it in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("LA2_TEST_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// command runs `la2 args…` and returns what it wrote and its exit status.
func command(t *testing.T, input string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "LA2_TEST_COMMAND=1", "XDG_CACHE_HOME="+t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestWrongCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"serve --foo", "la2: unknown flag --foo; see la2 serve --help"},
		{"serve", "la2: missing flags: --config=FILE; see la2 serve --help"},
		{"fly", "la2: unexpected argument fly; see la2 --help"},
		{"demo --log loud", `la2: --log must be one of "debug","info","warn","error" but got "loud"; see la2 demo --help`},
		{"phone", `la2: expected one of "register", "call", "answer"; see la2 phone --help`},
		{"phone call", `la2: expected "<number>"; see la2 phone call --help`},
		{"phone call 803001 --for soon", `la2: --for: expected duration but got "soon"`},
		{"phone call 803001 --play /nowhere.wav", "la2: --play: stat /nowhere.wav: no such file or directory"},
		{"check", `la2: expected "<file>"; see la2 check --help`},
	} {
		stdout, stderr, status := command(t, "", strings.Fields(tt.args)...)
		if status != 2 || stdout != "" || !strings.HasPrefix(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("la2 %s: status %d, %q, %q\nwant 2 and %s", tt.args, status, stdout, stderr, tt.want)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"phone call 803001 --dtmf x", `la2: --dtmf "x": want keys 0-9 * # A-D, as in 1@5s`},
		{"phone call 803001 --dtmf 1@now", `la2: --dtmf "1@now": "now" is no delay, write for example 5s`},
		{"phone call 803001 --listen here", "la2: --listen here: want IP:PORT"},
		{"phone call 803001 --via there:port", "la2: --via there:port: want HOST:PORT with a host that has an address"},
		{"status --url http://127.0.0.1:1", "la2: no node answers at http://127.0.0.1:1: is it running?"},
		{"serve -c /nowhere.yaml", "la2: /nowhere.yaml: cannot be read: no such file or directory"},
	} {
		stdout, stderr, status := command(t, "", strings.Fields(tt.args)...)
		if status != 1 || stdout != "" || strings.TrimSpace(stderr) != tt.want {
			t.Errorf("la2 %s: status %d, %q, %q\nwant 1 and %s", tt.args, status, stdout, stderr, tt.want)
		}
	}
}

// Help goes to standard output and no line is wider than a terminal.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"", "demo", "serve", "check", "phone", "phone register", "phone call", "phone answer", "status", "user", "version"} {
		stdout, stderr, status := command(t, "", append(strings.Fields(verb), "--help")...)
		if status != 0 || stderr != "" || !strings.HasPrefix(stdout, "Usage: la2") {
			t.Errorf("la2 %s --help: status %d, %q, %q", verb, status, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if len(line) > 81 {
				t.Errorf("la2 %s --help: %d columns: %s", verb, len(line), line)
			}
		}
	}
	if stdout, _, status := command(t, ""); status != 0 || !strings.HasPrefix(stdout, "Usage: la2 <command>") {
		t.Errorf("la2: status %d, %q", status, stdout)
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	stdout, stderr, status := command(t, "a long password\n", "user", "1001")
	form := regexp.MustCompile(`^- user: "1001"\n  name: ""\n  password_hash: "\$argon2id\$[^"]+"\n  roles: \[agent\]\n$`)
	if status != 0 || stderr != "" || !form.MatchString(stdout) {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	if stdout, stderr, status := command(t, "\n", "user"); status != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 {
		t.Errorf("empty password: status %d, %q, %q", status, stdout, stderr)
	}
}

// aFile writes a small good configuration on the ports given.
func aFile(t *testing.T, sip, http int, more string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "node.yaml")
	text := fmt.Sprintf("site: {ipa: x, name: y}\nsip: {listen: [\"udp:127.0.0.1:%d\"]}\nmedia: {address: 127.0.0.1}\nhttp: {listen: \"127.0.0.1:%d\"}\n%s", sip, http, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What keeps a node from starting is told in one line, and nothing is left behind.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	taken := udp.LocalAddr().(*net.UDPAddr).Port
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	takenHTTP := tcp.Addr().(*net.TCPAddr).Port
	spare, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := spare.LocalAddr().(*net.UDPAddr).Port
	if err := spare.Close(); err != nil {
		t.Fatal(err)
	}

	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	locked := t.TempDir()
	s, err := store.Open(filepath.Join(locked, "node.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "node.db"), []byte(strings.Repeat("no journal ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct{ name, file, data, want string }{
		{"taken SIP port", aFile(t, taken, 0, ""), t.TempDir(), fmt.Sprintf("la2: SIP port udp:127.0.0.1:%d cannot be opened: address already in use", taken)},
		{"taken HTTP port", aFile(t, free, takenHTTP, ""), t.TempDir(), fmt.Sprintf("la2: HTTP port tcp:127.0.0.1:%d cannot be opened: address already in use", takenHTTP)},
		{"no data directory", aFile(t, free, 0, ""), "", "la2: where to keep the journal? set data: in the file or give --data"},
		{"a file for a data directory", aFile(t, free, 0, ""), filepath.Join(plain, "data"), ": not a directory\n"},
		{"locked journal", aFile(t, free, 0, ""), locked, "la2: store: open: " + filepath.Join(locked, "node.db") + ": file in use by another process"},
		{"damaged journal", aFile(t, free, 0, ""), damaged, "la2: store: open: " + filepath.Join(damaged, "node.db") + ": file is damaged or not a store"},
		{"no prompts", aFile(t, free, 0, "prompts: {directory: /nowhere}\n"), t.TempDir(), "node.yaml:5:22: prompts.directory: /nowhere: prompt: open prompts.txt: no such file or directory"},
	} {
		args := []string{"serve", "-c", tt.file}
		if tt.data != "" {
			args = append(args, "--data", tt.data)
		}
		stdout, stderr, status := command(t, "", args...)
		if status != 1 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: status %d, %q, %q\nwant 1 and %s", tt.name, status, stdout, stderr, tt.want)
		}
		if _, err := os.Stat(filepath.Join(tt.data, "node.db")); err == nil && strings.Contains(tt.name, "port") {
			t.Errorf("%s: a journal was made", tt.name)
		}
	}
}
