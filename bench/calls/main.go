// Command calls measures CPU seconds per 1,000 calls (INVITE to BYE, SIPp on
// both sides, no audio flowing): LA2 as B2BUA with anchored media, journal and
// call records on, and as proxy, beside Kamailio as a stateful record-routing
// proxy when it is installed. Runs alternate, so that a noisy machine disturbs
// both; the ratio of each pair is what counts. A run with a failed call is
// repeated once. Loopback only, bounded.
//
// left_goroutines and left_files are what the calls have left behind in LA2: the
// difference between after the warm-up and after the last run.
package main

import (
	"bufio"
	"embed"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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

const metrics = "http://127.0.0.1:8580/metrics"

func main() {
	flag.Parse()
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "bench "+*name+":", err)
		os.Exit(1)
	}
}

func do() error {
	dir, err := os.MkdirTemp("", "la2-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := prepare(dir); err != nil {
		return err
	}
	switch {
	case *soak > 0:
		return soaked(dir)
	case *hold > 0:
		return holding(dir)
	}
	return measure(dir)
}

// prepare writes the scenarios and the peer's configuration to dir.
func prepare(dir string) error {
	if _, err := exec.LookPath("sipp"); err != nil {
		return errors.New("missing: sipp (Debian: apt-get install sip-tester)")
	}
	all, err := files.ReadDir("scenario")
	if err != nil {
		return err
	}
	names := []string{"kamailio.cfg"}
	for _, f := range all {
		names = append(names, "scenario/"+f.Name())
	}
	for _, f := range names {
		raw, err := files.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func measure(dir string) error {
	la2, err := proc.Start(dir, "la2", *binary, "serve", "-c", *config, "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer la2.Stop()
	kam, err := proc.StartKamailio(dir, filepath.Join(dir, "kamailio.cfg"))
	if err != nil {
		return err
	}
	defer kam.Stop()
	return alternate(dir, la2, kam)
}

func alternate(dir string, la2, kam *proc.Peer) error {
	if _, err := load(dir, la2, "127.0.0.1:5560", *service, *rate); err != nil { // warm-up
		return err
	}
	before := leftBy(la2)
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
			return err
		}
		ratios = append(ratios, a/b)
	}
	after := leftBy(la2)
	fmt.Printf("bench %s cps=%d cpu_s_per_1k_calls=%.3f rss_mib=%.0f left_goroutines=%d left_files=%d%s\n", *name, *rate,
		proc.Median(ours), proc.RSS(la2.Pid()), after.goroutines-before.goroutines, after.files-before.files, proc.Ratio("kamailio", ratios))
	return nil
}

// load places n calls and returns the CPU seconds of the server per 1,000 of them.
func load(dir string, server *proc.Peer, target, user string, n int) (float64, error) {
	return proc.Twice(func() (float64, error) {
		used, err := run(dir, server, target, user, strconv.Itoa(n))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", server.Name, err)
		}
		return used.Seconds() / (float64(n) / 1000), nil
	})
}

func run(dir string, server *proc.Peer, target, user, count string) (time.Duration, error) {
	limit := strconv.Itoa(*secs+15) + "s"
	callee := exec.Command("sipp", "-sf", "callee.xml", "-i", "127.0.0.1", "-p", "5080", "-nostdin", "-buff_size", "4194304")
	caller := exec.Command("sipp", target, "-sf", "caller.xml", "-s", user, "-i", "127.0.0.1", "-p", "5090", "-m", count, "-r", strconv.Itoa(*rate),
		"-l", count, "-d", "100", "-nostdin", "-timeout", limit, "-buff_size", "4194304")
	callee.Dir, caller.Dir = dir, dir
	if err := callee.Start(); err != nil {
		return 0, err
	}
	time.Sleep(300 * time.Millisecond)
	before := server.CPU()
	err := caller.Run()
	used := server.CPU() - before
	_ = callee.Process.Kill()
	_ = callee.Wait()
	if err != nil {
		return 0, fmt.Errorf("calls failed: sipp: %w", err)
	}
	return used, nil
}

type left struct{ goroutines, files int }

// leftBy counts what la2 holds when its calls have gone.
func leftBy(la2 *proc.Peer) left {
	time.Sleep(500 * time.Millisecond)
	return left{goroutines: gauge("go_goroutines"), files: proc.Files(la2.Pid())}
}

// gauge reads one number of /metrics, 0 when it is not to be had.
func gauge(name string) int {
	res, err := http.Get(metrics)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, _ := strconv.ParseFloat(v, 64)
			return int(n)
		}
	}
	return 0
}
