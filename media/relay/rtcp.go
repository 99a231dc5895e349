package relay

import "encoding/binary"

// Packet types of RTCP (RFC 3550 12.1).
const (
	typeSR   = 200
	typeRR   = 201
	typeSDES = 202
	typeBYE  = 203
)

const (
	blockLen  = 24
	cnameLen  = 16 // 96 random bits in base64 (RFC 7022 4.2)
	reportLen = 28 + blockLen + 8 + 2 + cnameLen + 2 + 8
)

// A block is a reception report (RFC 3550 6.4.1). Jitter is in timestamp units, lsr and dlsr
// in 65536ths of a second.
type block struct {
	ssrc      uint32
	fraction  uint8 // lost since the last report, in 256ths
	lost      int32 // since the beginning, 24 bits
	high      uint32
	jitter    uint32
	lsr, dlsr uint32
}

// heardRTCP is what a compound packet of a far end says that is of use.
type heardRTCP struct {
	sends   bool   // it began with a sender report
	ntp     uint32 // of the sender report: the middle 32 bits
	packets uint32 // that it says it sent
	about   bool   // it reports on us: block
	block   block
}

// parseRTCP reads a compound packet (RFC 3550 6.1, A.2); ours is the SSRC that we send with.
// It is false for what is not one: a wrong version, lengths that do not add up, padding before
// the last packet, or no report at the beginning. What it does not know it passes over.
func parseRTCP(b []byte, ours uint32) (h heardRTCP, ok bool) {
	if len(b) < 8 || b[1] != typeSR && b[1] != typeRR {
		return heardRTCP{}, false
	}
	for first := true; len(b) > 0; first = false {
		if len(b) < 4 || b[0]>>6 != 2 {
			return heardRTCP{}, false
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:4]))
		if n > len(b) || b[0]&0x20 != 0 && (n < len(b) || first) {
			return heardRTCP{}, false
		}
		if !h.read(b[:n], ours) {
			return heardRTCP{}, false
		}
		b = b[n:]
	}
	return h, true
}

// read takes one packet of a compound one.
func (h *heardRTCP) read(p []byte, ours uint32) bool {
	at := 8
	switch p[1] {
	case typeSR:
		if len(p) < 28 {
			return false
		}
		h.sends = true
		h.ntp = binary.BigEndian.Uint32(p[10:14])
		h.packets = binary.BigEndian.Uint32(p[20:24])
		at = 28
	case typeRR:
		if len(p) < 8 {
			return false
		}
	default:
		return true
	}
	count := int(p[0] & 0x1f)
	if len(p) < at+count*blockLen {
		return false
	}
	for range count {
		if c := p[at : at+blockLen]; binary.BigEndian.Uint32(c) == ours {
			h.about = true
			h.block = block{
				ssrc: ours, fraction: c[4],
				lost:   int32(binary.BigEndian.Uint32(c[4:8])<<8) >> 8,
				high:   binary.BigEndian.Uint32(c[8:12]),
				jitter: binary.BigEndian.Uint32(c[12:16]),
				lsr:    binary.BigEndian.Uint32(c[16:20]),
				dlsr:   binary.BigEndian.Uint32(c[20:24]),
			}
		}
		at += blockLen
	}
	return true
}

// A report is a compound packet of ours: a sender report when we sent since the last one
// or the one before, else a receiver report; the CNAME; at the end a BYE.
type report struct {
	ssrc    uint32
	sent    bool
	ntp     uint64 // 32.32 seconds
	ts      uint32 // the RTP timestamp of that moment
	packets uint32
	octets  uint32
	heard   bool
	block   block
	cname   [cnameLen]byte
	bye     bool
}

// append writes r; at most reportLen bytes.
func (r *report) append(b []byte) []byte {
	be := binary.BigEndian
	count := byte(0)
	size := uint16(1)
	if r.heard {
		count, size = 1, size+blockLen/4
	}
	if r.sent {
		b = be.AppendUint16(append(b, 2<<6|count, typeSR), size+5)
		b = be.AppendUint64(be.AppendUint32(b, r.ssrc), r.ntp)
		b = be.AppendUint32(be.AppendUint32(be.AppendUint32(b, r.ts), r.packets), r.octets)
	} else {
		b = be.AppendUint16(append(b, 2<<6|count, typeRR), size)
		b = be.AppendUint32(b, r.ssrc)
	}
	if r.heard {
		k := r.block
		b = be.AppendUint32(be.AppendUint32(b, k.ssrc), uint32(k.fraction)<<24|uint32(k.lost)&0xffffff)
		b = be.AppendUint32(be.AppendUint32(b, k.high), k.jitter)
		b = be.AppendUint32(be.AppendUint32(b, k.lsr), k.dlsr)
	}
	b = be.AppendUint16(append(b, 2<<6|1, typeSDES), 1+(2+cnameLen+2)/4)
	b = append(be.AppendUint32(b, r.ssrc), 1, cnameLen)
	b = append(append(b, r.cname[:]...), 0, 0) // the end of the items, on a 32-bit border
	if r.bye {
		b = be.AppendUint32(be.AppendUint16(append(b, 2<<6|1, typeBYE), 1), r.ssrc)
	}
	return b
}
