// Command flood measures what is left of the service while 1,000 strangers send nonsense: noise,
// damaged SIP, REGISTER without and with wrong credentials, INVITE, scanners and responses that
// nobody asked for, from addresses of their own in 127.0.0.0/8, while SIPp places calls over a
// trunk (B2BUA with anchored media, journal and call records on). It prints how many of those
// calls were set up, and the resident memory: before, after as many calls a second without the
// flood, at its peak and after. Loopback only, bounded.
package main

import (
	"bufio"
	"embed"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lineaamica/la2/bench/internal/proc"
)

//go:embed la2.yaml
var files embed.FS

var (
	pps     = flag.Int("pps", 20_000, "packets a second of the strangers")
	sources = flag.Int("sources", 1000, "their addresses")
	secs    = flag.Int("secs", 60, "seconds")
	calm    = flag.Int("calm", 40, "seconds of calls alone before: transactions live for 32 s")
	rate    = flag.Int("rate", 100, "calls a second")
	points  = flag.Int("points", 20, "sip.shield.points; 100000: nobody is banned")
	name    = flag.String("name", "flood", "name on the result line")
	binary  = flag.String("la2", "bin/la2", "the product")
)

var node = netip.MustParseAddrPort("127.0.0.1:5560")

func main() {
	flag.Parse()
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "bench flood:", err)
		os.Exit(1)
	}
}

func measure() error {
	if _, err := exec.LookPath("sipp"); err != nil {
		return errors.New("missing: sipp (Debian: apt-get install sip-tester)")
	}
	dir, err := os.MkdirTemp("", "la2-flood-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config, err := files.ReadFile("la2.yaml")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "la2.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(config), "POINTS", strconv.Itoa(*points), 1)), 0o600); err != nil {
		return err
	}
	la2, err := proc.Start(dir, "la2", *binary, "serve", "-c", file, "--data", filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer la2.Stop()
	if _, failed, err := calls(dir, "calm", *calm**rate); err != nil || failed > 0 {
		return fmt.Errorf("before the flood: %d calls failed, %.0f refused: %w", failed, counter("la2_sip_shed_total"), err)
	}
	return underFlood(dir, la2)
}

func underFlood(dir string, la2 *proc.Peer) error {
	conns, err := dial(*sources)
	if err != nil {
		return err
	}
	before, cpu := proc.RSS(la2.Pid()), la2.CPU()
	stop, sent := make(chan struct{}), make(chan int)
	go func() { sent <- flood(conns, stop) }() // ends with stop
	peaked := make(chan float64)
	go func() { peaked <- peak(la2.Pid(), stop) }() // ends with stop
	time.Sleep(time.Second)
	ok, failed, err := calls(dir, "flooded", *rate**secs)
	close(stop)
	packets, most := <-sent, <-peaked
	used := la2.CPU() - cpu
	refused := counter("la2_sip_shed_total")
	if err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	fmt.Printf("bench %s pps=%.0f sources=%d secs=%d points=%d calls=%d failed=%d refused=%.0f set_up_percent=%.2f cpu_s_per_s=%.2f rss_before_mib=%.0f rss_peak_mib=%.0f rss_after_mib=%.0f\n",
		*name, float64(packets)/float64(*secs+1), *sources, *secs, *points, ok+failed, failed, refused, 100*float64(ok)/float64(max(1, ok+failed)),
		used.Seconds()/float64(*secs+1), before, most, proc.RSS(la2.Pid()))
	return nil
}

// counter reads one number of /metrics, 0 when it is not to be had.
func counter(name string) float64 {
	res, err := http.Get("http://127.0.0.1:8580/metrics")
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, _ := strconv.ParseFloat(v, 64)
			return n
		}
	}
	return 0
}

// dial opens a socket for each stranger.
func dial(n int) ([]*net.UDPConn, error) {
	var out []*net.UDPConn
	for i := range n {
		own := netip.AddrFrom4([4]byte{127, 7, byte(i >> 7), byte(1 + i&127)})
		c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 5060)), net.UDPAddrFromAddrPort(node))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// flood sends *pps packets a second in steps of 1 ms until stop, and returns how many. Each
// stranger sends every kind; packets that the kernel refuses are not made up for.
func flood(conns []*net.UDPConn, stop <-chan struct{}) (sent int) {
	rng := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-stop:
			return sent
		case <-tick.C:
		}
		for due := int(time.Since(began).Seconds() * float64(*pps)); n < due; n++ {
			c := conns[n%len(conns)]
			b := kinds[(n/len(conns)+n)%len(kinds)](rng, c.LocalAddr().String(), n)
			if _, err := c.Write(b); err == nil {
				sent++
			}
		}
	}
}

// peak is the most memory that pid has until stop.
func peak(pid int, stop <-chan struct{}) (most float64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		most = max(most, proc.RSS(pid))
		select {
		case <-stop:
			return most
		case <-tick.C:
		}
	}
}

// calls places n calls and says how many were set up and ended as they should.
func calls(dir, name string, n int) (ok, failed int, err error) {
	scenario, err := filepath.Abs("bench/calls/scenario")
	if err != nil {
		return 0, 0, err
	}
	limit := strconv.Itoa(n / *rate + 30) + "s"
	stats := filepath.Join(dir, name+".csv")
	callee := exec.Command("sipp", "-sf", filepath.Join(scenario, "callee.xml"), "-i", "127.0.0.1", "-p", "5080", "-nostdin", "-timeout", limit, "-buff_size", "4194304")
	caller := exec.Command("sipp", node.String(), "-sf", filepath.Join(scenario, "caller.xml"), "-s", "bench", "-i", "127.0.0.1", "-p", "5090",
		"-m", strconv.Itoa(n), "-r", strconv.Itoa(*rate), "-l", "10000", "-d", "100", "-nostdin", "-timeout", limit, "-recv_timeout", "20000",
		"-buff_size", "4194304", "-trace_stat", "-stf", stats, "-fd", "1")
	callee.Dir, caller.Dir = dir, dir
	if err := callee.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = callee.Process.Kill()
		_ = callee.Wait()
	}()
	time.Sleep(300 * time.Millisecond)
	_ = caller.Run() // its status tells of failed calls, which are counted below
	ok, failed, err = outcome(stats)
	return ok, n - ok, err
}

// outcome reads the last line of SIPp's statistics.
func outcome(file string) (ok, failed int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		return 0, 0, fmt.Errorf("sipp's statistics: %d lines: %w", len(rows), err)
	}
	for i, column := range rows[0] {
		n, _ := strconv.Atoi(rows[len(rows)-1][min(i, len(rows[len(rows)-1])-1)])
		switch column {
		case "SuccessfulCall(C)":
			ok = n
		case "FailedCall(C)":
			failed = n
		}
	}
	return ok, failed, nil
}
