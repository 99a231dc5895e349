// Command calls measures CPU seconds per 1,000 calls (INVITE to BYE, SIPp on
// both sides, no audio flowing): LA2 as B2BUA with anchored media, journal and
// call records on, and as proxy, beside Kamailio as a stateful record-routing
// proxy when it is installed. Runs alternate, so that a noisy machine disturbs
// both; the ratio of each pair is what counts. Loopback only, bounded.
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/lineaamica/la2/bench/internal/proc"
)

//go:embed scenario/*.xml kamailio.cfg
var files embed.FS

var (
	rate    = flag.Int("rate", 500, "calls a second")
	secs    = flag.Int("secs", 5, "seconds a run")
	pairs   = flag.Int("pairs", 3, "alternations")
	binary  = flag.String("la2", "bin/la2", "the product")
	config  = flag.String("config", "configs/bench.yaml", "its configuration")
	service = flag.String("service", "bench", "bench (B2BUA) or proxy")
	name    = flag.String("name", "b2bua", "name on the result line")
)

func main() {
	flag.Parse()
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "bench calls:", err)
		os.Exit(1)
	}
}

func measure() error {
	if _, err := exec.LookPath("sipp"); err != nil {
		return errors.New("missing: sipp (Debian: apt-get install sip-tester)")
	}
	dir, err := os.MkdirTemp("", "la2-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, f := range []string{"scenario/caller.xml", "scenario/callee.xml", "kamailio.cfg"} {
		raw, err := files.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), raw, 0o600); err != nil {
			return err
		}
	}
	la2, err := start(dir, "la2", *binary, "serve", "-c", *config, "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer stop(la2)
	kam, err := startKamailio(dir)
	if err != nil {
		return err
	}
	defer stop(kam)
	time.Sleep(1500 * time.Millisecond)
	return alternate(dir, la2, kam)
}

func alternate(dir string, la2, kam *exec.Cmd) error {
	if _, err := load(dir, la2, "127.0.0.1:5560", *service, *rate/2); err != nil { // warm-up
		return err
	}
	var ours, ratios []float64
	for range *pairs {
		a, err := load(dir, la2, "127.0.0.1:5560", *service, *rate**secs)
		if err != nil {
			return err
		}
		ours = append(ours, a)
		if kam == nil {
			continue
		}
		b, err := load(dir, kam, "127.0.0.1:5570", "bench", *rate**secs)
		if err != nil {
			return fmt.Errorf("kamailio: %w", err)
		}
		ratios = append(ratios, a/b)
	}
	line := fmt.Sprintf("bench %s cps=%d cpu_s_per_1k_calls=%.3f rss_mib=%.0f", *name, *rate, median(ours), proc.RSS(la2.Process.Pid))
	if len(ratios) > 0 {
		line += fmt.Sprintf(" ratio_kamailio=%.2f spread=%.2f-%.2f", median(ratios), slices.Min(ratios), slices.Max(ratios))
	} else {
		line += " ratio_kamailio=absent"
	}
	fmt.Println(line)
	return nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

// load places n calls and returns the CPU seconds of server per 1,000 of them.
func load(dir string, server *exec.Cmd, target, user string, n int) (float64, error) {
	count := strconv.Itoa(n)
	limit := strconv.Itoa(*secs+15) + "s"
	callee := exec.Command("sipp", "-sf", "callee.xml", "-i", "127.0.0.1", "-p", "5080", "-m", count, "-nostdin", "-timeout", limit, "-buff_size", "4194304")
	caller := exec.Command("sipp", target, "-sf", "caller.xml", "-s", user, "-i", "127.0.0.1", "-p", "5090", "-m", count, "-r", strconv.Itoa(*rate),
		"-l", strconv.Itoa(n), "-d", "100", "-nostdin", "-timeout", limit, "-buff_size", "4194304")
	callee.Dir, caller.Dir = dir, dir
	if err := callee.Start(); err != nil {
		return 0, err
	}
	time.Sleep(300 * time.Millisecond)
	before := proc.CPU(server.Process.Pid)
	err := caller.Run()
	used := proc.CPU(server.Process.Pid) - before
	_ = callee.Process.Kill()
	_ = callee.Wait()
	if err != nil {
		return 0, fmt.Errorf("sipp: calls failed: %w", err)
	}
	return used.Seconds() / (float64(n) / 1000), nil
}

func start(dir, what string, argv ...string) (*exec.Cmd, error) {
	log, err := os.Create(filepath.Join(dir, what+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return cmd, nil
}

func startKamailio(dir string) (*exec.Cmd, error) {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return nil, nil //nolint:nilerr // not installed: measured without it
	}
	if c, err := net.ListenPacket("udp", "127.0.0.1:5570"); err == nil {
		_ = c.Close()
	}
	return start(dir, "kamailio", "kamailio", "-f", filepath.Join(dir, "kamailio.cfg"), "-m", "512", "-M", "16", "-x", "fm", "-X", "fm", "-DD", "-E", "-Y", dir)
}

func stop(cmd *exec.Cmd) {
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { // ends with the process
		_ = cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(6 * time.Second):
		_ = cmd.Process.Kill()
		<-done
	}
}
