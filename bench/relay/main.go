// Command relay measures what a relayed RTP packet costs: CPU seconds of the
// relay's process per million packets, for the relay of LA2, for a bare C loop of
// recvfrom and sendto (bench/floor) and for rtpengine in user space when it is
// installed. All are under the same load, in turns, so that a busy machine
// disturbs each alike; the ratio of each round is what counts. Loopback only,
// bounded in time. Run it from the root of the repository.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

var (
	calls  = flag.Int("calls", 400, "calls; each is 100 packets a second through the relay")
	secs   = flag.Float64("secs", 3, "measured seconds of a run")
	rounds = flag.Int("rounds", 3, "alternations")
	floorC = flag.String("floor", "bench/floor/floor.c", "source of the bare loop")
	serve  = flag.String("serve", "", "internal: be the relay of LA2 for far ends PORT_A,PORT_B")
)

func main() {
	flag.Parse()
	run := measure
	if *serve != "" {
		run = beRelay
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench relay:", err)
		os.Exit(1)
	}
}

// A result is one run of one relay.
type result struct {
	cost float64 // CPU seconds per million packets
	loss float64 // percent
	p50  time.Duration
	p99  time.Duration
}

func measure() error {
	dir, err := os.MkdirTemp("", "la2-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peers, err := findPeers(dir)
	if err != nil {
		return err
	}
	all := map[string][]result{}
	for round := range *rounds {
		for _, p := range peers {
			r, err := load(p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d %s: %.2f CPU s/Mpkt, lost %.3f%%, one way p50 %v p99 %v\n", round+1, p.name, r.cost, r.loss, r.p50, r.p99)
			all[p.name] = append(all[p.name], r)
		}
	}
	line := fmt.Sprintf("bench relay calls=%d cpu_s_per_mpkt=%.2f", *calls, median(costs(all["la2"])))
	var spreads []string
	for _, other := range []string{"floor", "rtpengine"} {
		if len(all[other]) == 0 {
			continue
		}
		ratios := make([]float64, *rounds)
		for i := range ratios {
			ratios[i] = all["la2"][i].cost / all[other][i].cost
		}
		line += fmt.Sprintf(" ratio_%s=%.2f", other, median(ratios))
		spreads = append(spreads, fmt.Sprintf("%s:%.2f-%.2f", other, slices.Min(ratios), slices.Max(ratios)))
	}
	worst := 0.0
	for _, r := range all["la2"] {
		worst = max(worst, r.loss)
	}
	fmt.Printf("%s spread=%s loss_pct=%.3f p50_us=%d p99_us=%d\n", line, strings.Join(spreads, ","), worst,
		medianOf(all["la2"], func(r result) time.Duration { return r.p50 }).Microseconds(),
		medianOf(all["la2"], func(r result) time.Duration { return r.p99 }).Microseconds())
	return nil
}

func costs(rs []result) (out []float64) {
	for _, r := range rs {
		out = append(out, r.cost)
	}
	return out
}

func medianOf(rs []result, f func(result) time.Duration) time.Duration {
	var out []float64
	for _, r := range rs {
		out = append(out, float64(f(r)))
	}
	return time.Duration(median(out))
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
