package cti

import (
	"fmt"
	"strconv"
	"strings"
)

// String is "EPOCH.SEQ", "" for the zero Position.
func (p Position) String() string {
	if p.Epoch == "" {
		return ""
	}
	return p.Epoch + "." + strconv.FormatUint(p.Seq, 10)
}

// ParsePosition reads what String wrote. The empty string is the zero Position.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	epoch, num, ok := strings.Cut(s, ".")
	seq, err := strconv.ParseUint(num, 10, 64)
	if !ok || err != nil || epoch == "" {
		return Position{}, fmt.Errorf("cti: position %q: want EPOCH.SEQ", s)
	}
	return Position{Epoch: epoch, Seq: seq}, nil
}
