package trunk

import "time"

// A bucket is a token bucket: rate tokens a second, at most one second's worth
// saved. The zero value is full.
type bucket struct {
	used float64   // tokens taken and not yet replaced
	at   time.Time // when used was right
}

// take takes one token at now. False: the rate is used up. A rate of 0 is no limit.
func (b *bucket) take(now time.Time, rate int) bool {
	if rate <= 0 {
		return true
	}
	if past := now.Sub(b.at); past > 0 {
		b.used = max(0, b.used-past.Seconds()*float64(rate))
		b.at = now
	}
	if b.used+1 > float64(rate) {
		return false
	}
	b.used++
	return true
}
