package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
)

// profile writes a CPU profile of the whole run to the file that LA2_CPUPROFILE
// names, and to the one of LA2_MEMPROFILE what was allocated; both are for who
// measures, and neither opens a port. The function returned ends them.
func profile() (stop func() error, err error) {
	stop = func() error { return nil }
	if name := os.Getenv("LA2_CPUPROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return nil, fmt.Errorf("LA2_CPUPROFILE: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, errors.Join(fmt.Errorf("LA2_CPUPROFILE: %w", err), f.Close())
		}
		stop = func() error { pprof.StopCPUProfile(); return f.Close() }
	}
	name := os.Getenv("LA2_MEMPROFILE")
	if name == "" {
		runtime.MemProfileRate = 0 // nobody reads the samples, and taking them costs
		return stop, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("LA2_MEMPROFILE: %w", err), stop())
	}
	cpu := stop
	return func() error { return errors.Join(cpu(), pprof.Lookup("allocs").WriteTo(f, 0), f.Close()) }, nil
}
