package prompt

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/g711"
	"github.com/lineaamica/la2/media/wav"
)

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestLoad(t *testing.T) {
	tone := file(string(wav.Encode(make([]int16, 400))))
	tests := []struct {
		name string
		fs   fstest.MapFS
		want string // part of the error; "" for none
	}{
		{"complete", fstest.MapFS{"it/prompts.txt": file("# x\n\nhello = Ciao = bello\n"), "it/hello.wav": tone}, ""},
		{"no list", fstest.MapFS{}, "it/prompts.txt"},
		{"no recording", fstest.MapFS{"it/prompts.txt": file("hello = Ciao\n")}, "hello: no recording"},
		{"no text", fstest.MapFS{"it/prompts.txt": file("hello = Ciao\n"), "it/hello.wav": tone, "it/other.wav": tone}, "other: no text"},
		{"bad recording", fstest.MapFS{"it/prompts.txt": file("hello = Ciao\n"), "it/hello.wav": file("MP3")}, "hello: wav"},
		{"empty recording", fstest.MapFS{"it/prompts.txt": file("hello = Ciao\n"), "it/hello.wav": file(string(wav.Encode(nil)))}, "hello: the recording is empty"},
		{"no equals sign", fstest.MapFS{"it/prompts.txt": file("hello\n")}, "line 1"},
		{"path in a name", fstest.MapFS{"it/prompts.txt": file("../x = y\n")}, "line 1"},
		{"twice", fstest.MapFS{"it/prompts.txt": file("a = b\na = c\n")}, "line 2"},
	}
	tab := g711.New()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Load(tt.fs, "it", tab)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want an error with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := s.Clip("hello")
			if c.Frames() != 3 || s.Text("hello") != "Ciao = bello" {
				t.Errorf("got %d frames, %q", c.Frames(), s.Text("hello"))
			}
			if c.Frame(media.PCMU, 2)[159] != 0xff || c.Frame(media.PCMA, 2)[159] != 0xd5 {
				t.Error("the last frame is not filled with silence")
			}
			if s.Need([]string{"hello"}) != nil || s.Need([]string{"hello", "bye"}) == nil {
				t.Error("Need is wrong")
			}
		})
	}
}

// The committed Italian set is whole and its privacy notice short enough.
func TestItalianSet(t *testing.T) {
	s, err := Load(os.DirFS(filepath.Join("..", "..", "configs", "prompts")), "it", g711.New())
	if err != nil {
		t.Fatal(err)
	}
	need := strings.Fields("greeting privacy menu enter_code code_ok code_wrong wait next position closed closed_holiday transfer_wait no_agents overflow error goodbye music")
	for i := range 21 {
		need = append(need, fmt.Sprintf("n_%d", i))
	}
	if err := s.Need(need); err != nil {
		t.Fatal(err)
	}
	if d := s.Clip("privacy").Duration(); d > 10*time.Second {
		t.Errorf("privacy notice lasts %v, want at most 10s", d)
	}
	if d := s.Clip("music").Duration(); d < 20*time.Second || d > 30*time.Second {
		t.Errorf("music lasts %v, want 20s to 30s", d)
	}
	if n := s.Clip("greeting").Name(); n != "greeting" {
		t.Errorf("clip is called %q", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a = b\n# c\n\nd_1 = e = f"))
	f.Add([]byte("= x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		texts, err := Parse(b)
		if err != nil {
			return
		}
		for name, text := range texts {
			if !valid(name) || text == "" || strings.TrimSpace(text) != text {
				t.Fatalf("accepted %q = %q", name, text)
			}
		}
	})
}

func ExampleParse() {
	texts, err := Parse([]byte("# entry\ngreeting = Benvenuti a Linea Amica.\n"))
	fmt.Println(texts["greeting"], err)
	// Output: Benvenuti a Linea Amica. <nil>
}

// A recording of 16 kHz or more keeps its upper half for wide-band telephones.
func TestClip_WideBand(t *testing.T) {
	for rate, wide := range map[int]bool{8000: false, 11025: false, 16000: true, 48000: true} {
		s := wav.Sound{Rate: rate, Samples: make([]int16, rate/2)}
		for i := range s.Samples {
			s.Samples[i] = int16(8000 * math.Sin(2*math.Pi*6000*float64(i)/float64(rate)))
		}
		clip := Clip("tone", s, g711.New())
		if clip.Frames() != 25 {
			t.Fatalf("%d Hz: %d frames", rate, clip.Frames())
		}
		pcm := clip.Wide(7)
		if (pcm != nil) != wide {
			t.Fatalf("%d Hz: wide is %v", rate, pcm != nil)
		}
		turns := 0
		for i := 1; i < len(pcm); i++ {
			if (pcm[i] < 0) != (pcm[i-1] < 0) {
				turns++
			}
		}
		if want := 2 * 6000 / 50; wide && (turns < want-5 || turns > want+5) {
			t.Errorf("%d Hz: %d zero crossings, want %d", rate, turns, want)
		}
	}
}
