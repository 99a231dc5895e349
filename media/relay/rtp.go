package relay

import "encoding/binary"

// The fixed RTP header (RFC 3550 5.1):
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           timestamp                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           synchronization source (SSRC) identifier            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
const (
	headerLen = 12
	marker    = 0x80 // of byte 1
	maxPacket = 1500 // bytes read of a datagram; longer ones are cut and so malformed
)

// header is the part of an RTP packet that the relay looks at.
type header struct {
	pt   uint8
	seq  uint16
	ts   uint32
	ssrc uint32
}

// parse reads the fixed header; ok is false for what is not RTP version 2.
func parse(b []byte) (h header, ok bool) {
	if len(b) < headerLen || b[0]>>6 != 2 {
		return header{}, false
	}
	return header{
		pt:   b[1] & 0x7f,
		seq:  binary.BigEndian.Uint16(b[2:4]),
		ts:   binary.BigEndian.Uint32(b[4:8]),
		ssrc: binary.BigEndian.Uint32(b[8:12]),
	}, true
}

// isRTCP tells RTCP on an RTP port by its packet type (RFC 5761 4).
func isRTCP(b []byte) bool { return len(b) >= 8 && b[1] >= 192 && b[1] <= 223 }

// payload is what stands between the header (with contributing sources and
// extension) and the padding; nil when the lengths contradict each other.
func payload(b []byte) []byte {
	at := headerLen + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return nil
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:at+4]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[end-1])
	}
	if at > end {
		return nil
	}
	return b[at:end]
}

// put writes h over the header fields of b and keeps version, flags and marker.
func (h header) put(b []byte) {
	b[1] = b[1]&marker | h.pt
	binary.BigEndian.PutUint16(b[2:4], h.seq)
	binary.BigEndian.PutUint32(b[4:8], h.ts)
	binary.BigEndian.PutUint32(b[8:12], h.ssrc)
}
