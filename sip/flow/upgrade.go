package flow

import (
	"context"
	"net/netip"
	"time"
)

const (
	upgradeTime = time.Second      // a call does not wait longer for a connection
	upgradeRest = 10 * time.Minute // who had none is not asked again for so long
	upgradeMost = 1024             // peers without one that are remembered
)

// Upgrade returns a connection to the peer of f, a UDP flow, for a request that is too long for a
// datagram (RFC 3261 18.1.1): to the same address and port over TCP. It waits a second at most and
// does not ask again for ten minutes where it got none: phones behind a NAT never have one.
func (l *Layer) Upgrade(ctx context.Context, f Flow) (Flow, error) {
	if f.Transport != UDP {
		return Flow{}, ErrNoRoute
	}
	l.mu.RLock()
	until, c := l.noStream[f.Remote], l.byRemote[target{transport: TCP, remote: f.Remote}]
	l.mu.RUnlock()
	if c == nil && time.Now().Before(until) {
		return Flow{}, ErrNoRoute
	}
	ctx, cancel := context.WithTimeout(ctx, upgradeTime)
	defer cancel()
	got, err := l.Dial(ctx, TCP, f.Remote)
	if err != nil {
		l.noUpgrade(f.Remote)
	}
	return got, err
}

func (l *Layer) noUpgrade(remote netip.AddrPort) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.noStream) >= upgradeMost {
		for a, until := range l.noStream {
			if !now.Before(until) {
				delete(l.noStream, a)
			}
		}
	}
	if len(l.noStream) >= upgradeMost {
		clear(l.noStream) // an attempt more for each
	}
	l.noStream[remote] = now.Add(upgradeRest)
}
