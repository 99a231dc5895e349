package transaction

import (
	"strconv"

	"github.com/lineaamica/la2/sip/wire"
)

// The keys of the tables of a shard. Each is built into a scratch buffer, so a look-up
// allocates nothing.

// appendServerKey writes the key of the server transaction of a request (RFC 3261 17.2.3): top
// branch, sent-by and method. method is INVITE for an ACK, or for the INVITE that a CANCEL names.
// Without the cookie it is what RFC 2543 compares: Request-URI, From tag, Call-ID, CSeq number
// and Via. The To tag is left out, as an ACK has another one than its INVITE.
func appendServerKey(b []byte, m *wire.Message, method []byte) []byte {
	via := m.TopVia()
	if via.Magic() {
		b = append(append(b, via.Branch...), '|')
	} else {
		seq, _ := m.CSeq()
		b = append(append(b, m.RequestURI()...), '|')
		b = append(append(b, m.FromTag()...), '|')
		b = append(append(b, m.CallID()...), '|')
		b = strconv.AppendUint(b, uint64(seq), 10)
		b = append(append(append(b, '|'), via.Branch...), '|')
	}
	b = appendLower(b, via.Host)
	b = append(b, ':')
	b = strconv.AppendInt(b, int64(via.Port), 10)
	return append(append(b, '|'), method...)
}

// appendClientKey writes the key of the client transaction of a response (RFC 3261 17.1.3).
func appendClientKey(b []byte, m *wire.Message) []byte {
	_, method := m.CSeq()
	b = append(b, m.TopVia().Branch...)
	return append(append(b, '|'), method...)
}

// appendMergedKey writes what two requests share that are one request on two ways
// (RFC 3261 8.2.2.2): From tag, Call-ID and CSeq.
func appendMergedKey(b []byte, m *wire.Message) []byte {
	seq, method := m.CSeq()
	b = append(append(b, m.FromTag()...), '|')
	b = append(append(b, m.CallID()...), '|')
	b = strconv.AppendUint(b, uint64(seq), 10)
	return append(append(b, '|'), method...)
}

// appendAckKey writes what an ACK and the 2xx that it acknowledges share (RFC 3261 13.3.1.4):
// the dialog and the CSeq number. localTag is the To tag of both.
func appendAckKey(b []byte, m *wire.Message, localTag []byte) []byte {
	seq, _ := m.CSeq()
	b = append(append(b, m.FromTag()...), '|')
	b = append(append(b, localTag...), '|')
	b = append(append(b, m.CallID()...), '|')
	return strconv.AppendUint(b, uint64(seq), 10)
}

func appendLower(b, s []byte) []byte {
	for _, c := range s {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}
