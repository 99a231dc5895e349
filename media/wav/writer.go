package wav

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/lineaamica/la2/media"
)

// A Writer writes a recording as it comes. Not safe for concurrent use.
type Writer struct {
	w   io.WriteSeeker
	n   int // bytes of data so far
	buf []byte
}

// NewWriter writes the header, with a length of 0 until Close.
func NewWriter(w io.WriteSeeker) (*Writer, error) {
	if _, err := w.Write(appendHeader(nil, media.ClockRate, 0)); err != nil {
		return nil, fmt.Errorf("wav: header: %w", err)
	}
	return &Writer{w: w}, nil
}

// Write appends samples at media.ClockRate, mono.
func (w *Writer) Write(samples []int16) error {
	w.buf = w.buf[:0]
	for _, s := range samples {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
	}
	n, err := w.w.Write(w.buf)
	w.n += n
	if err != nil {
		return fmt.Errorf("wav: %w", err)
	}
	return nil
}

// Close writes the final length into the header. It does not close the file.
func (w *Writer) Close() error {
	if _, err := w.w.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("wav: length: %w", err)
	}
	if _, err := w.w.Write(appendHeader(nil, media.ClockRate, w.n)); err != nil {
		return fmt.Errorf("wav: length: %w", err)
	}
	if _, err := w.w.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("wav: length: %w", err)
	}
	return nil
}
