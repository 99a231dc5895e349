package flow

// Len returns how many sources are remembered.
func (r *RateFilter) Len() int {
	n := 0
	for i := range r.stripe {
		n += len(r.stripe[i].sources)
	}
	return n
}
