package b2bua

import (
	"slices"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/sdp"
)

// prefer is list with those codecs first that spoken names, each part in its old
// order, so that two ends which share a codec use it and hear each other without
// transcoding. None is left out: who answers may have but one of the others.
func prefer(list []media.Codec, spoken func(media.Codec) bool) []media.Codec {
	out := make([]media.Codec, 0, len(list))
	for _, first := range [2]bool{true, false} {
		for _, k := range list {
			if spoken(k) == first {
				out = append(out, k)
			}
		}
	}
	return out
}

// speaks tells whether the far end of l uses k or, as long as nothing is agreed,
// has offered it.
func (l *leg) speaks(k media.Codec) bool {
	if l.agreed.Codec != 0 {
		return l.agreed.Codec == k
	}
	return l.offer != nil && slices.ContainsFunc(l.offer.Audio.Formats, func(f sdp.Format) bool { return f.Codec == k })
}

// others tells which codecs are agreed with the other legs of l's call, early media
// included.
func (c *Call) others(l *leg) func(media.Codec) bool {
	return func(k media.Codec) bool {
		return slices.ContainsFunc(c.legs, func(o *leg) bool { return o != l && o.agreed.Codec == k })
	}
}
