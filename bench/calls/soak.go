package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaamica/la2/bench/internal/proc"
)

var (
	soak  = flag.Int("soak", 0, "place so many calls in all and see what they leave behind, instead of measuring")
	quiet = flag.Duration("quiet", 150*time.Second, "rest before each look of a soak: transactions end, the garbage collector has run")
)

// A round is one kind of call of a soak. Half of them pass the B2BUA, half the
// proxy; one in fifty gives up while it rings (by the B2BUA: SIPp cannot repeat the
// two Vias of a proxied INVITE in the 487 that follows its CANCEL).
type round struct {
	service, caller, callee string
	share                   int // of 100
}

var rounds = []round{
	{"bench", "caller.xml", "callee.xml", 49},
	{"proxy", "caller.xml", "callee.xml", 49},
	{"bench", "quitter.xml", "ringer.xml", 2},
}

// Most calls of one SIPp run: it keeps a little of each.
const perRun = 50_000

// What may be left, by chance of the moment. The heap holds tables that have grown.
const (
	spareGoroutines = 20
	spareFiles      = 20
	spareHeapMiB    = 16
	mayFail         = 1000 // one in so many, on a machine that others use
)

// soaked places the calls and compares what LA2 holds before and after them.
func soaked(dir string) error {
	la2, err := proc.Start(dir, "la2", *binary, "serve", "-c", *config, "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer la2.Stop()
	if _, err := soakRound(dir, la2, 2000); err != nil { // warm-up
		return err
	}
	before := lookAt(la2)
	began, cpu := time.Now(), la2.CPU()
	placed, failed := 0, 0
	for left := *soak; left > 0; {
		n := min(left, perRun)
		bad, err := soakRound(dir, la2, n)
		if err != nil {
			return fmt.Errorf("after %d calls: %w", placed, err)
		}
		failed += bad
		placed += n
		left -= n
		fmt.Printf("soak %d calls, rss %.0f MiB, heap %d MiB, goroutines %d, files %d\n", placed, proc.RSS(la2.Pid()),
			gauge("go_memstats_heap_inuse_bytes")>>20, gauge("go_goroutines"), proc.Files(la2.Pid()))
	}
	took, used := time.Since(began), la2.CPU()-cpu
	after := lookAt(la2)
	fmt.Printf("bench soak calls=%d failed=%d secs=%.0f cpu_s_per_1k_calls=%.3f goroutines=%d->%d files=%d->%d ports=%d->%d heap_mib=%d->%d rss_mib=%d->%d transactions=%d panics=%d\n",
		placed, failed, took.Seconds(), used.Seconds()/float64(placed)*1000, before.goroutines, after.goroutines, before.files, after.files,
		before.ports, after.ports, before.heapMiB, after.heapMiB, before.rssMiB, after.rssMiB, after.transactions, after.panics)
	if failed > placed/mayFail {
		return errors.Join(fmt.Errorf("%d of %d calls failed", failed, placed), after.against(before))
	}
	return after.against(before)
}

// soakRound places n calls, all kinds by their shares, and counts those that failed.
func soakRound(dir string, la2 *proc.Peer, n int) (failed int, err error) {
	for _, r := range rounds {
		count := max(1, n*r.share/100)
		bad, err := r.run(dir, count)
		if err != nil {
			return failed, fmt.Errorf("%d calls by %s, %s: %w", count, r.service, r.caller, err)
		}
		failed += bad
		if gauge("go_goroutines") == 0 {
			return failed, fmt.Errorf("%s does not answer any more", la2.Name)
		}
	}
	return failed, nil
}

func (r round) run(dir string, n int) (failed int, err error) {
	count, limit := strconv.Itoa(n), strconv.Itoa(n / *rate + 60)+"s"
	callee := exec.Command("sipp", "-sf", r.callee, "-i", "127.0.0.1", "-p", "5080", "-m", count, "-nostdin", "-timeout", limit, "-buff_size", "4194304")
	caller := exec.Command("sipp", "127.0.0.1:5560", "-sf", r.caller, "-s", r.service, "-i", "127.0.0.1", "-p", "5090", "-m", count, "-r", strconv.Itoa(*rate),
		"-l", count, "-d", "100", "-nostdin", "-timeout", limit, "-buff_size", "4194304", "-trace_stat", "-stf", "caller.csv")
	callee.Dir, caller.Dir = dir, dir
	if err := callee.Start(); err != nil {
		return 0, err
	}
	time.Sleep(300 * time.Millisecond)
	err = caller.Run()
	_ = callee.Process.Kill()
	_ = callee.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return 0, err
	}
	good, err := succeeded(filepath.Join(dir, "caller.csv"))
	return n - good, err
}

// succeeded reads from SIPp's statistics how many calls went well.
func succeeded(file string) (int, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	i := slices.Index(strings.Split(lines[0], ";"), "SuccessfulCall(C)")
	last := strings.Split(lines[len(lines)-1], ";")
	if i < 0 || i >= len(last) {
		return 0, errors.New("no count of calls in SIPp's statistics")
	}
	return strconv.Atoi(last[i])
}

// A look is what LA2 holds at one moment.
type look struct {
	goroutines, files, ports, heapMiB, rssMiB, transactions, panics int
}

// lookAt rests, so that what ends by itself has ended, and looks.
func lookAt(la2 *proc.Peer) look {
	time.Sleep(*quiet)
	return look{
		goroutines: gauge("go_goroutines"), files: proc.Files(la2.Pid()), ports: gauge("la2_rtp_ports_free"),
		heapMiB: gauge("go_memstats_heap_alloc_bytes") >> 20, rssMiB: int(proc.RSS(la2.Pid())),
		transactions: gauge("la2_sip_transactions"), panics: gauge("la2_panics_total"),
	}
}

// against names all that the calls left behind.
func (l look) against(before look) error {
	var errs []error
	more := func(what string, was, is, spare int) {
		if is > was+spare {
			errs = append(errs, fmt.Errorf("%s: %d before, %d after", what, was, is))
		}
	}
	more("goroutines", before.goroutines, l.goroutines, spareGoroutines)
	more("open files", before.files, l.files, spareFiles)
	more("RTP ports taken", -before.ports, -l.ports, 0)
	more("heap, MiB", before.heapMiB, l.heapMiB, spareHeapMiB)
	more("transactions", 0, l.transactions, 0)
	more("panics", 0, l.panics, 0)
	return errors.Join(errs...)
}
