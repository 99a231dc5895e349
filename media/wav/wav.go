// Package wav reads and writes WAVE files of 16-bit linear PCM (RIFF, format 1),
// the form in which prompts are kept and calls are recorded. Reading accepts any
// rate from 8 to 48 kHz and one or two channels, and Resample brings it to
// telephone rate. It omits other formats and all chunks but "fmt " and "data".
//
// It is pure but for Writer, and owns no goroutine.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/lineaamica/la2/media"
)

// Errors of Decode, wrapped with detail.
var (
	// ErrFormat: not a RIFF/WAVE file, or cut short.
	ErrFormat = errors.New("not a WAVE file")
	// ErrUnsupported: a WAVE file of another coding than 16-bit PCM.
	ErrUnsupported = errors.New("not 16-bit PCM of 8 to 48 kHz, one or two channels")
	// ErrTooLarge: more than MaxBytes.
	ErrTooLarge = errors.New("too large")
)

// MaxBytes is the largest file read: 15 minutes of stereo at 48 kHz.
const MaxBytes = 180 << 20

// A Sound is decoded audio, one channel.
type Sound struct {
	Rate    int // Hz
	Samples []int16
}

// Duration is the playing time.
func (s Sound) Duration() time.Duration {
	if s.Rate <= 0 {
		return 0
	}
	return time.Duration(len(s.Samples)) * time.Second / time.Duration(s.Rate)
}

const (
	formatPCM        = 1
	formatExtensible = 0xfffe
)

type format struct {
	channels int
	rate     int
}

// Decode reads a whole file. Two channels are mixed to one. A data chunk that
// claims more than the file has (a recording that was cut off) yields what is there.
func Decode(b []byte) (Sound, error) {
	if len(b) > MaxBytes {
		return Sound{}, fmt.Errorf("wav: %d bytes: %w", len(b), ErrTooLarge)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return Sound{}, fmt.Errorf("wav: %w", ErrFormat)
	}
	var f format
	for at := 12; at+8 <= len(b); {
		id, size := string(b[at:at+4]), int64(binary.LittleEndian.Uint32(b[at+4:at+8]))
		body := b[at+8:]
		if size < int64(len(body)) {
			body = body[:size]
		}
		switch id {
		case "fmt ":
			var err error
			if f, err = parseFormat(body); err != nil {
				return Sound{}, fmt.Errorf("wav: offset %d: %w", at, err)
			}
		case "data":
			if f.rate == 0 {
				return Sound{}, fmt.Errorf("wav: offset %d: data before fmt: %w", at, ErrFormat)
			}
			return Sound{Rate: f.rate, Samples: samples(body, f.channels)}, nil
		}
		next := int64(at) + 8 + size + size&1
		if next > int64(len(b)) {
			break
		}
		at = int(next)
	}
	return Sound{}, fmt.Errorf("wav: no data chunk: %w", ErrFormat)
}

func parseFormat(b []byte) (format, error) {
	if len(b) < 16 {
		return format{}, fmt.Errorf("fmt of %d bytes: %w", len(b), ErrFormat)
	}
	code := binary.LittleEndian.Uint16(b)
	if code == formatExtensible && len(b) >= 26 {
		code = binary.LittleEndian.Uint16(b[24:])
	}
	f := format{channels: int(binary.LittleEndian.Uint16(b[2:])), rate: int(binary.LittleEndian.Uint32(b[4:]))}
	bits := binary.LittleEndian.Uint16(b[14:])
	if code != formatPCM || bits != 16 || f.channels < 1 || f.channels > 2 || f.rate < 8000 || f.rate > 48000 {
		return format{}, fmt.Errorf("format %d, %d bit, %d channels, %d Hz: %w", code, bits, f.channels, f.rate, ErrUnsupported)
	}
	return f, nil
}

func samples(b []byte, channels int) []int16 {
	width := 2 * channels
	out := make([]int16, len(b)/width)
	for i := range out {
		sum := 0
		for c := range channels {
			sum += int(int16(binary.LittleEndian.Uint16(b[i*width+2*c:])))
		}
		out[i] = int16(sum / channels)
	}
	return out
}

// Resample is s at rate Hz. Going down it averages the samples that fall together,
// which is filter enough for speech; going up it interpolates.
func (s Sound) Resample(rate int) Sound {
	if rate <= 0 || s.Rate <= 0 || rate == s.Rate || len(s.Samples) == 0 {
		return s
	}
	n := int(int64(len(s.Samples)) * int64(rate) / int64(s.Rate))
	out := make([]int16, n)
	step := float64(s.Rate) / float64(rate)
	for i := range out {
		out[i] = s.between(float64(i)*step, float64(i+1)*step)
	}
	return Sound{Rate: rate, Samples: out}
}

// between is the mean of s from sample position lo to hi, or the interpolated
// value at lo when they lie less than a sample apart.
func (s Sound) between(lo, hi float64) int16 {
	last := len(s.Samples) - 1
	if hi-lo <= 1 {
		i := min(int(lo), last)
		a, b := float64(s.Samples[i]), float64(s.Samples[min(i+1, last)])
		return int16(a + (b-a)*(lo-float64(i)))
	}
	sum, weight := 0.0, 0.0
	for i := int(lo); i <= last && float64(i) < hi; i++ {
		w := min(hi, float64(i+1)) - max(lo, float64(i))
		sum += w * float64(s.Samples[i])
		weight += w
	}
	if weight == 0 {
		return s.Samples[last]
	}
	return int16(sum / weight)
}

// Encode is the file of samples at media.ClockRate, mono.
func Encode(samples []int16) []byte { return EncodeAt(media.ClockRate, samples) }

// EncodeAt is Encode for samples at rate, in Hz.
func EncodeAt(rate int, samples []int16) []byte {
	b := appendHeader(make([]byte, 0, headerLen+2*len(samples)), rate, 2*len(samples))
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

const headerLen = 44

// appendHeader adds the header of a mono file at rate with n bytes of data.
func appendHeader(b []byte, rate, n int) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(append(b, "RIFF"...), uint32(headerLen-8+n))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, formatPCM), 1)
	b = le.AppendUint32(le.AppendUint32(b, uint32(rate)), uint32(rate*2))
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	return le.AppendUint32(append(b, "data"...), uint32(n))
}
