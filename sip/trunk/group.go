package trunk

import (
	"cmp"
	"slices"
	"time"
)

// Members are the peers behind a name in the order in which to try them: the peer
// of that name, or all of the group of that name. Those that may live come first;
// among them a lower Priority, and of one Priority a random order in which a peer
// is first in proportion to its Weight (as RFC 2782 has it for SRV).
func (t *Table) Members(name string) []*Peer {
	if p := t.byName[name]; p != nil {
		return []*Peer{p}
	}
	list := slices.Clone(t.groups[name])
	slices.SortStableFunc(list, func(a, b *Peer) int { return cmp.Compare(a.Priority, b.Priority) })
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].Priority == list[from].Priority {
			to++
		}
		shuffle(list[from:to], t.random)
		from = to
	}
	return t.livingFirst(list)
}

// Group is the name that numbers of p lead to: that of its group, or its own.
func (p *Peer) Group() string { return cmp.Or(p.GroupName, p.Name) }

// shuffle orders peers of one priority: each place by a draw among those left,
// weighted; a Weight of 0 counts as 1.
func shuffle(list []*Peer, random func(n int) int) {
	for i := range list {
		sum := 0
		for _, p := range list[i:] {
			sum += max(p.Weight, 1)
		}
		draw := random(sum)
		for j := i; j < len(list); j++ {
			if draw -= max(list[j].Weight, 1); draw < 0 {
				list[i], list[j] = list[j], list[i]
				break
			}
		}
	}
}

// Take counts a new call on the peer, in either direction, at now. False: it has
// had its MaxRate for this second.
func (t *Table) Take(name string, now time.Time) bool {
	p, ok := t.byName[name]
	if !ok {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state[name].rate.take(now, p.MaxRate)
}
