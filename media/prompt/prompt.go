// Package prompt loads the announcements of one language, a text file and its
// WAVE recordings, into clips that the relay plays by copying. Each text needs its
// recording and each recording its text, so that nothing is missing when a caller
// is on the line.
//
// It reads when asked and owns no goroutine. Sets are immutable.
package prompt

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/wav"
)

// ListFile is the name of the file of texts in a directory of prompts.
const ListFile = "prompts.txt"

// maxList is the largest file of texts, in bytes.
const maxList = 1 << 20

// A Set is the prompts of one directory. It is immutable and safe for concurrent use.
type Set struct {
	names []string // sorted
	clips map[string]*media.Clip
	texts map[string]string
}

// Load reads dir (of one language) of fsys: prompts.txt with lines `name = text`
// (# begins a comment line) and name.wav for each. The error joins everything that
// is missing or wrong, by name.
func Load(fsys fs.FS, dir string, t *g711.Tables) (*Set, error) {
	list, err := fs.ReadFile(fsys, path.Join(dir, ListFile))
	if err != nil {
		return nil, fmt.Errorf("prompt: %w", err)
	}
	s := &Set{clips: map[string]*media.Clip{}}
	if s.texts, err = Parse(list); err != nil {
		return nil, fmt.Errorf("prompt: %s: %w", path.Join(dir, ListFile), err)
	}
	var errs []error
	for name := range s.texts {
		s.names = append(s.names, name)
		clip, err := load(fsys, path.Join(dir, name+".wav"), name, t)
		if err != nil {
			errs = append(errs, fmt.Errorf("prompt: %s: %w", name, err))
			continue
		}
		s.clips[name] = clip
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		errs = append(errs, fmt.Errorf("prompt: %w", err))
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".wav"); ok && s.texts[name] == "" {
			errs = append(errs, fmt.Errorf("prompt: %s: no text in %s", name, ListFile))
		}
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(errs...)
	}
	slices.Sort(s.names)
	return s, nil
}

func load(fsys fs.FS, file, name string, t *g711.Tables) (*media.Clip, error) {
	b, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("no recording: %w", err)
	}
	sound, err := wav.Decode(b)
	if err != nil {
		return nil, err
	}
	if len(sound.Samples) == 0 {
		return nil, errors.New("the recording is empty")
	}
	return Clip(name, sound, t), nil
}

// Clip prepares a sound of any rate for sending. A recording of 16 kHz or more
// keeps what it has above 4 kHz for wide-band telephones.
func Clip(name string, s wav.Sound, t *g711.Tables) *media.Clip {
	pcm := s.Resample(media.ClockRate).Samples
	alaw, mulaw := make([]byte, len(pcm)), make([]byte, len(pcm))
	t.Encode(media.PCMA, alaw, pcm)
	t.Encode(media.PCMU, mulaw, pcm)
	var wide []int16
	if s.Rate >= media.WideRate {
		wide = s.Resample(media.WideRate).Samples
	}
	return media.NewClip(name, alaw, mulaw, wide)
}

// Parse reads the text file: name to text. Names are [a-z0-9_], 1 to 64 long.
func Parse(list []byte) (map[string]string, error) {
	if len(list) > maxList {
		return nil, fmt.Errorf("%d bytes: at most %d", len(list), maxList)
	}
	texts := map[string]string{}
	n := 0
	for line := range strings.Lines(string(list)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, text, ok := strings.Cut(line, "=")
		name, text = strings.TrimSpace(name), strings.TrimSpace(text)
		switch {
		case !ok || text == "":
			return nil, fmt.Errorf("line %d: want name = text", n)
		case !valid(name):
			return nil, fmt.Errorf("line %d: name %q: want a-z, 0-9 and _, at most 64", n, name)
		case texts[name] != "":
			return nil, fmt.Errorf("line %d: %s is there twice", n, name)
		}
		texts[name] = text
	}
	return texts, nil
}

func valid(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// Clip is the prompt called name, nil when there is none.
func (s *Set) Clip(name string) *media.Clip { return s.clips[name] }

// Text is what the prompt called name says, for text callers and logs.
func (s *Set) Text(name string) string { return s.texts[name] }

// Names are all prompts, sorted. The caller must not change it.
func (s *Set) Names() []string { return s.names }

// Need returns an error that names every prompt of names that is not in s.
func (s *Set) Need(names []string) error {
	var errs []error
	for _, n := range names {
		if s.clips[n] == nil {
			errs = append(errs, fmt.Errorf("prompt: %s: not in the set", n))
		}
	}
	return errors.Join(errs...)
}
