package flow

// perDatagram is about what the kernel counts for a waiting datagram of SIP, its own data included.
const perDatagram = 2304

// Backlog says how many datagrams wait in the buffers of our sockets, about, and which part of the
// fullest buffer is taken, 0 to 1. It is zero where the system does not tell.
func (l *Layer) Backlog() (datagrams int, full float64) {
	for _, s := range *l.udp.Load() {
		k, ok := s.pc.(interface{ queued() (used, room int) })
		if !ok {
			continue
		}
		used, room := k.queued()
		datagrams += used / perDatagram
		if room > 0 {
			full = max(full, float64(used)/float64(room))
		}
	}
	return datagrams, full
}
