package relay

import "sync"

// figures are the counters of a leg for others than its shard, who need not wait for it: as
// they were at most a second ago. Safe for concurrent use.
type figures struct {
	mu sync.Mutex // guards s
	s  LegStats
}

func (f *figures) set(s LegStats) {
	f.mu.Lock()
	f.s = s
	f.mu.Unlock()
}

// Figures are the counters of a leg as they were at most a second ago; zero for an unknown or
// closed one. Unlike Stats it does not wait for the shard.
func (r *Relay) Figures(leg LegID) LegStats {
	f, ok := r.told.Load(leg)
	if !ok {
		return LegStats{}
	}
	told := f.(*figures)
	told.mu.Lock()
	defer told.mu.Unlock()
	return told.s
}
