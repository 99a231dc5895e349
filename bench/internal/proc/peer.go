package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// A Peer is a server under measurement, started by us.
type Peer struct {
	Name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the process has ended
}

// settle is how long a peer gets to open its sockets.
const settle = 1500 * time.Millisecond

// Start runs argv with its output in a file of dir and gives it time to open its
// sockets. The error of a peer that ends at once holds its last words.
func Start(dir, name string, argv ...string) (*Peer, error) {
	p := &Peer{Name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() { // ends with the process
		_ = p.cmd.Wait()
		close(p.done)
	}()
	select {
	case <-p.done:
		return nil, fmt.Errorf("%s: %s", name, p.lastWords())
	case <-time.After(settle):
		return p, nil
	}
}

func (p *Peer) lastWords() string {
	raw, _ := os.ReadFile(p.log)
	raw = bytes.TrimSpace(raw)
	return string(raw[bytes.LastIndexByte(raw, '\n')+1:])
}

// Pid is the number of the process.
func (p *Peer) Pid() int { return p.cmd.Process.Pid }

// CPU is the time the peer has used.
func (p *Peer) CPU() time.Duration { return CPU(p.Pid()) }

// Stop ends the peer, by force after six seconds. A nil peer is none.
func (p *Peer) Stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(6 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// StartKamailio starts the peer of the SIP measures with the configuration file;
// nil when Kamailio is not installed.
func StartKamailio(dir, config string) (*Peer, error) {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return nil, nil //nolint:nilerr // not installed: measured without it
	}
	return Start(dir, "kamailio", "kamailio", "-f", config, "-m", "512", "-M", "16", "-x", "fm", "-X", "fm", "-DD", "-E", "-Y", dir)
}

// Files counts the open descriptors of pid.
func Files(pid int) int {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(list)
}

// Twice runs a measure again, once, when it failed: a machine that others use
// loses packets now and then.
func Twice[T any](run func() (T, error)) (T, error) {
	v, err := run()
	if err == nil {
		return v, nil
	}
	time.Sleep(2 * time.Second)
	v, again := run()
	if again != nil {
		return v, errors.Join(err, again)
	}
	return v, nil
}

// Median of v, 0 when it is empty.
func Median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

// Ratio is the end of a result line: the median of the ratios to a peer and their
// spread over the alternations.
func Ratio(name string, v []float64) string {
	if len(v) == 0 {
		return " ratio_" + name + "=absent"
	}
	return fmt.Sprintf(" ratio_%s=%.2f spread=%.2f-%.2f", name, Median(v), slices.Min(v), slices.Max(v))
}
