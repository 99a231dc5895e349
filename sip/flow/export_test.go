package flow

// Resting returns how many peers Upgrade does not ask now.
func (l *Layer) Resting() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.noStream)
}
