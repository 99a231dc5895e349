package relay

import (
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g722"
)

// follow keeps the decoder of l, who speaks codec, in step while nobody hears it. When
// it is heard by a G.722 leg, the first packets (settled) are decoded and coded again
// by the coder of that leg, before they pass untouched: so the far decoder is led from
// one past to the other.
func (c *core) follow(l *leg, codec media.Codec, pkt []byte) {
	if codec != media.G722 {
		return
	}
	p := payload(pkt)
	l.ear().DecodeNarrow(c.pcm[:len(p)], p)
}

// transcode changes p, which from sent in codec, in place to the codec of to. A
// byte is 125 us of sound in each codec, so that neither length nor timestamps
// change; of G.722 only the lower band is used, as G.711 has no other. The states
// of G.722 are made for the first packet that needs them; after that nothing
// allocates. Packets that were lost are not made up for: the states find in again
// within a few frames.
func (c *core) transcode(from, to *leg, codec media.Codec, p []byte) {
	if codec != media.G722 && to.far.Codec != media.G722 {
		c.tables.Transcode(p, codec, to.far.Codec)
		return
	}
	pcm := c.pcm[:len(p)]
	if codec == media.G722 {
		from.ear().DecodeNarrow(pcm, p)
	} else {
		c.tables.Decode(codec, pcm, p)
	}
	if to.far.Codec == media.G722 {
		to.coder().EncodeNarrow(p, pcm)
		return
	}
	c.tables.Encode(to.far.Codec, p, pcm)
}

// coder is the state of what l is sent in G.722, for all sources that are ours or
// transcoded.
func (l *leg) coder() *g722.Encoder {
	if l.encoder == nil {
		l.encoder = g722.NewEncoder()
	}
	return l.encoder
}

// ear is the state of what l sends in G.722.
func (l *leg) ear() *g722.Decoder {
	if l.decoder == nil {
		l.decoder = g722.NewDecoder()
	}
	return l.decoder
}
