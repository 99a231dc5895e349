// Command register measures CPU seconds per 1,000 registrations with digest (a
// challenge and an answer each; SIPp sends them): LA2 beside Kamailio when it is
// installed, first with registrations in memory as Kamailio has them, then with
// those on disk. Runs alternate; one with a failure is repeated once. Loopback only,
// bounded.
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lineaamica/la2/bench/internal/proc"
)

//go:embed register.xml kamailio.cfg
var files embed.FS

var (
	rate   = flag.Int("rate", 800, "registrations a second")
	secs   = flag.Int("secs", 4, "seconds a run")
	pairs  = flag.Int("pairs", 3, "alternations")
	users  = flag.Int("users", 2000, "accounts, as in the configuration")
	binary = flag.String("la2", "bin/la2", "the product")
	config = flag.String("config", "configs/bench.yaml", "its configuration")
)

func main() {
	flag.Parse()
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "bench register:", err)
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
	if err := prepare(dir); err != nil {
		return err
	}
	kam, err := proc.StartKamailio(dir, filepath.Join(dir, "kamailio.cfg"))
	if err != nil {
		return err
	}
	defer kam.Stop()
	memory, err := inMemory(dir)
	if err != nil {
		return err
	}
	for _, c := range []struct{ kept, config string }{{"memory", memory}, {"disk", *config}} {
		if err := compare(dir, c.kept, c.config, kam); err != nil {
			return err
		}
	}
	return nil
}

// inMemory is the configuration whose registrations end with the process, as those of the peer do.
func inMemory(dir string) (string, error) {
	raw, err := os.ReadFile(*config)
	if err != nil {
		return "", err
	}
	text := strings.Replace(string(raw), "durable: true", "durable: false", 1)
	if text == string(raw) {
		return "", fmt.Errorf("%s does not say durable: true", *config)
	}
	path := filepath.Join(dir, "memory.yaml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// compare alternates the product in one configuration with the peer.
func compare(dir, kept, config string, kam *proc.Peer) error {
	la2, err := proc.Start(dir, "la2", *binary, "serve", "-c", config, "--data", filepath.Join(dir, kept))
	if err != nil {
		return err
	}
	defer la2.Stop()
	if _, err := load(dir, la2, "127.0.0.1:5560", max(*rate, *users)); err != nil { // warm-up: everybody is new once
		return err
	}
	var ours, ratios []float64
	for range *pairs {
		a, err := load(dir, la2, "127.0.0.1:5560", *rate**secs)
		if err != nil {
			return err
		}
		ours = append(ours, a)
		if kam == nil {
			continue
		}
		b, err := load(dir, kam, "127.0.0.1:5570", *rate**secs)
		if err != nil {
			return err
		}
		ratios = append(ratios, a/b)
	}
	fmt.Printf("bench register kept=%s per_s=%d cpu_s_per_1k=%.3f rss_mib=%.0f%s\n", kept, *rate, proc.Median(ours), proc.RSS(la2.Pid()), proc.Ratio("kamailio", ratios))
	return nil
}

// prepare writes the scenario, the peer's configuration and the accounts.
func prepare(dir string) error {
	for _, f := range []string{"register.xml", "kamailio.cfg"} {
		raw, err := files.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f), raw, 0o600); err != nil {
			return err
		}
	}
	var list strings.Builder
	list.WriteString("SEQUENTIAL\n")
	for i := range *users {
		fmt.Fprintf(&list, "u%d;[authentication username=u%d password=pw-u%d]\n", i+1, i+1, i+1)
	}
	return os.WriteFile(filepath.Join(dir, "users.csv"), []byte(list.String()), 0o600)
}

// load sends n registrations and returns the CPU seconds of server per 1,000 of them.
func load(dir string, server *proc.Peer, target string, n int) (float64, error) {
	return proc.Twice(func() (float64, error) {
		phones := exec.Command("sipp", target, "-sf", "register.xml", "-inf", "users.csv", "-i", "127.0.0.1", "-p", "5092", "-m", strconv.Itoa(n),
			"-r", strconv.Itoa(*rate), "-l", strconv.Itoa(n), "-nostdin", "-timeout", strconv.Itoa(*secs+15)+"s", "-buff_size", "4194304")
		phones.Dir = dir
		before := server.CPU()
		if err := phones.Run(); err != nil {
			return 0, fmt.Errorf("%s: registrations failed: sipp: %w", server.Name, err)
		}
		return (server.CPU() - before).Seconds() / (float64(n) / 1000), nil
	})
}
