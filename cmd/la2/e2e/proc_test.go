//go:build e2e

package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how many times the time of an idle machine a busy one gets: what comes, comes sooner.
const patience = 3

// A proc is a child process whose output is kept line by line.
type proc struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and all output is read

	mu    sync.Mutex // guards lines and more
	lines []string
	more  chan struct{} // closed and replaced when a line is added
}

// spawn starts a process in a group of its own.
func spawn(dir, name string, args ...string) (*proc, error) {
	p := &proc{name: filepath.Base(name) + " " + strings.Join(args, " "), cmd: exec.Command(name, args...), done: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // nothing is left behind when a test times out
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	go p.read(r) // ends with the process
	return p, nil
}

// start is spawn for a test, which ends the process when it ends itself.
func start(t *testing.T, name string, args ...string) *proc {
	t.Helper()
	return startIn(t, "", name, args...)
}

func startIn(t *testing.T, dir, name string, args ...string) *proc {
	t.Helper()
	p, err := spawn(dir, name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %s:\n  %s", p.name, strings.Join(p.text(), "\n  "))
		}
	})
	return p
}

func (p *proc) read(r io.ReadCloser) {
	defer close(p.done)
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, in.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
	r.Close()
	_ = p.cmd.Wait() // the exit status is in ProcessState
}

// kill ends the process and its children at once.
func (p *proc) kill() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
	}
}

func (p *proc) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// exit waits for the end and returns the exit status.
func (p *proc) exit(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience * within):
		t.Fatalf("%s still runs after %v", p.name, patience*within)
		return -1
	}
}

func (p *proc) text() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// until waits for a line that ok accepts, from line number from on.
func (p *proc) until(from int, within time.Duration, ok func(string) bool) (line string, next int, found bool) {
	limit := time.After(patience * within)
	for {
		p.mu.Lock()
		lines, more := p.lines, p.more
		p.mu.Unlock()
		for ; from < len(lines); from++ {
			if ok(lines[from]) {
				return lines[from], from + 1, true
			}
		}
		select {
		case <-more:
		case <-p.done:
			if p.mu.Lock(); len(p.lines) == len(lines) {
				p.mu.Unlock()
				return "", from, false
			}
			p.mu.Unlock()
		case <-limit:
			return "", from, false
		}
	}
}

// output runs a command to its end.
func output(t *testing.T, want int, name string, args ...string) string {
	t.Helper()
	p := start(t, name, args...)
	if got := p.exit(t, 20*time.Second); got != want {
		t.Errorf("%s: exit %d, want %d:\n%s", p.name, got, want, strings.Join(p.text(), "\n"))
	}
	return strings.Join(p.text(), "\n")
}
