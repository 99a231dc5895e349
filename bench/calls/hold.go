package main

import (
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lineaamica/la2/bench/internal/proc"
)

var hold = flag.Int("hold", 0, "let so many calls stand and see what each costs in memory, instead of measuring")

// linger is longer than a transaction that has its answer stays (64*T1).
const linger = 35 * time.Second

// held is what LA2 holds: heap that is alive and stacks, and resident memory, in KiB.
type held struct{ goKiB, rssKiB float64 }

// holding compares LA2 without calls and with standing ones, after the transactions of their INVITEs
// have ended: memory, and the CPU of the calls that come and go beside them. No audio flows.
func holding(dir string) error {
	la2, err := proc.Start(dir, "la2", *binary, "serve", "-c", *config, "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer la2.Stop()
	up := time.Duration(*hold / *rate) * time.Second
	stay := up + linger + time.Duration(*secs)*time.Second + time.Minute
	stop, err := begin(dir, "-sf", "callee.xml", "-i", "127.0.0.1", "-p", "5080")
	if err != nil {
		return err
	}
	defer stop()
	if _, err := beside(dir, la2); err != nil { // warm-up
		return err
	}
	alone, err := beside(dir, la2)
	if err != nil {
		return err
	}
	time.Sleep(linger)
	before, err := heldBy(la2)
	if err != nil {
		return err
	}
	n := strconv.Itoa(*hold)
	stop, err = begin(dir, "127.0.0.1:5560", "-sf", "caller.xml", "-s", *service, "-i", "127.0.0.1", "-p", "5090", "-m", n,
		"-r", strconv.Itoa(*rate), "-l", n, "-d", strconv.FormatInt(stay.Milliseconds(), 10))
	if err != nil {
		return err
	}
	defer stop()
	time.Sleep(up + linger)
	during, err := heldBy(la2)
	if err != nil {
		return err
	}
	if standing := gauge("la2_calls_active"); *service == "bench" && standing != *hold {
		return fmt.Errorf("%d calls stand, want %d", standing, *hold)
	}
	among, err := beside(dir, la2)
	if err != nil {
		return err
	}
	fmt.Printf("bench %s calls=%d kib_per_call=%.1f rss_kib_per_call=%.1f cpu_s_per_1k_calls=%.3f without=%.3f\n", *name, *hold,
		(during.goKiB-before.goKiB)/float64(*hold), (during.rssKiB-before.rssKiB)/float64(*hold), among, alone)
	return nil
}

// begin starts a SIPp that stop ends.
func begin(dir string, args ...string) (stop func(), err error) {
	c := exec.Command("sipp", append(args, "-nostdin", "-buff_size", "4194304")...)
	c.Dir = dir
	if err := c.Start(); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	return func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}, nil
}

// beside places short calls to the callee that is there and returns the CPU seconds per 1,000.
func beside(dir string, la2 *proc.Peer) (float64, error) {
	n := *rate * *secs
	return proc.Twice(func() (float64, error) {
		caller := exec.Command("sipp", "127.0.0.1:5560", "-sf", "caller.xml", "-s", *service, "-i", "127.0.0.1", "-p", "5091", "-m", strconv.Itoa(n),
			"-r", strconv.Itoa(*rate), "-l", strconv.Itoa(n), "-d", "100", "-nostdin", "-timeout", strconv.Itoa(*secs+15)+"s", "-buff_size", "4194304")
		caller.Dir = dir
		used := la2.CPU()
		if err := caller.Run(); err != nil {
			return 0, fmt.Errorf("calls failed: sipp: %w", err)
		}
		return (la2.CPU() - used).Seconds() / float64(n) * 1000, nil
	})
}

// heldBy looks after three garbage collections: what the heap has then is alive, and the stacks have
// shrunk. Looking makes the garbage that brings them about.
func heldBy(la2 *proc.Peer) (held, error) {
	const count = "go_gc_duration_seconds_count"
	for cycles, until := gauge(count)+3, time.Now().Add(time.Minute); gauge(count) < cycles; {
		if time.Now().After(until) {
			return held{}, errors.New("no garbage collection in a minute")
		}
	}
	time.Sleep(time.Second) // it is swept
	alive := gauge("go_memstats_heap_alloc_bytes") + gauge("go_memstats_stack_inuse_bytes")
	return held{goKiB: float64(alive) / 1024, rssKiB: proc.RSS(la2.Pid()) * 1024}, nil
}
