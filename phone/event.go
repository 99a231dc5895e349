package phone

import (
	"fmt"
	"strings"
)

// String is the event as one readable line.
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(e.At.Local().Format("15:04:05.000"))
	fmt.Fprintf(&b, " %-10s", e.Event)
	if e.Peer != "" {
		b.WriteString(" " + e.Peer)
	}
	if e.Code != 0 {
		fmt.Fprintf(&b, " %d", e.Code)
	}
	if e.Text != "" {
		b.WriteString(" " + e.Text)
	}
	if e.Hears != "" {
		b.WriteString(" hears " + e.Hears)
		if e.Hz != 0 {
			fmt.Fprintf(&b, " %d Hz", e.Hz)
		}
		if e.Hears != "silence" {
			fmt.Fprintf(&b, " %d dBFS", e.DBFS)
		}
	}
	if e.UUI != "" {
		b.WriteString(" uui " + e.UUI)
	}
	return strings.TrimRight(b.String(), " ")
}
