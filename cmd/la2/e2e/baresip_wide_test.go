//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/wav"
)

// wideFile writes seconds of a tone at -20 dBFS, at 16 kHz.
func wideFile(t *testing.T, hz float64, seconds int) string {
	t.Helper()
	pcm := make([]int16, seconds*media.WideRate)
	for i := range pcm {
		pcm[i] = int16(3277 * math.Sin(2*math.Pi*hz*float64(i)/media.WideRate))
	}
	name := filepath.Join(t.TempDir(), fmt.Sprintf("wide%.0f.wav", hz))
	if err := os.WriteFile(name, wav.EncodeAt(media.WideRate, pcm), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// recorded is what s received, at the rate of its codec.
func (s *softphone) recorded(t *testing.T) wav.Sound {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(s.dir, "dump-*-dec.wav")) // the pattern is good
	if len(files) == 0 {
		t.Fatal("baresip recorded nothing")
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	sound, err := wav.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return sound
}

// loudest is the highest level of a tone of hz in any half second of s, in dB of a
// full-scale sine.
func loudest(s wav.Sound, hz float64) float64 {
	best := math.Inf(-1)
	for n := s.Rate / 2; len(s.Samples) >= n; s.Samples = s.Samples[n:] {
		c := 2 * math.Cos(2*math.Pi*hz/float64(s.Rate))
		var a, b float64
		for _, v := range s.Samples[:n] {
			a, b = float64(v)+c*a-b, a
		}
		best = max(best, 10*math.Log10((a*a+b*b-c*a*b)*4/float64(n)/float64(n)/(32767*32767)+1e-12))
	}
	return best
}

// baresip's G.722: what lies above 4 kHz comes through between two wide-band
// telephones (EN 301 549 6.1); with a narrow one the speech band does, both ways.
func TestBaresipWideBand(t *testing.T) {
	office(t, "udp:127.0.0.1:5060", "")
	account := func(user, codecs string, regint int) string {
		return fmt.Sprintf("<sip:%[1]s@127.0.0.1:5060>;auth_user=%[1]s;auth_pass=demo-%[1]s;regint=%[2]d;audio_codecs=%[3]s;answermode=manual", user, regint, codecs)
	}
	for _, tt := range []struct {
		name, codecs, sound, more string  // of the called telephone
		hz                        float64 // what it says
		said                      float64 // what the caller says
		rate                      int
	}{
		{"both wide", "g722/16000/1,pcma", wideFile(t, 5500, 10), wideBand, 5500, 6000, media.WideRate},
		{"one narrow", "pcma", toneFile(t, 700, 10), "", 700, 1000, media.ClockRate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			callee := baresipAs(t, "1002", account("1002", tt.codecs, 60), tt.sound, tt.more)
			if _, _, ok := callee.until(0, 5*time.Second, func(l string) bool { return strings.Contains(l, "200 OK") }); !ok {
				t.Fatal("baresip did not register")
			}
			caller := baresipAs(t, "1001", account("1001", "g722/16000/1", 0), wideFile(t, tt.said, 10), wideBand)
			caller.command(t, "dial", "sip:1002@127.0.0.1:5060")
			callee.event(t, 5*time.Second, "CALL_INCOMING")
			callee.command(t, "accept", "")
			caller.event(t, 5*time.Second, "CALL_ESTABLISHED")
			time.Sleep(3 * time.Second) // they talk
			caller.command(t, "hangup", "")
			callee.event(t, 3*time.Second, "CALL_CLOSED")
			caller.command(t, "quit", "")
			callee.command(t, "quit", "")
			caller.exit(t, 5*time.Second)
			callee.exit(t, 5*time.Second)

			there, back := caller.recorded(t), callee.recorded(t)
			if there.Rate != media.WideRate || back.Rate != tt.rate {
				t.Fatalf("recorded at %d and %d Hz", there.Rate, back.Rate)
			}
			for _, h := range []struct {
				who   string
				sound wav.Sound
				hz    float64
			}{{"caller", there, tt.hz}, {"called", back, tt.said}} {
				got := loudest(h.sound, h.hz)
				t.Logf("the %s heard %g Hz at %.1f dB", h.who, h.hz, got)
				if math.Abs(got+20) > 3 {
					t.Errorf("the %s heard %g Hz at %.1f dB, want -20", h.who, h.hz, got)
				}
			}
		})
	}
}

// Two of our telephones do it as well, and record what they heard at 16 kHz.
func TestPhoneWideBand(t *testing.T) {
	office(t, "udp:127.0.0.1:5060", "")
	answering(t, "--user", "1002", "--for", "30s", "--after", "200ms", "--codec", "g722,pcma", "--play", wideFile(t, 5500, 10))
	file := filepath.Join(t.TempDir(), "heard.wav")
	done(t, ring(t, "1002", "--user", "1001", "--for", "3s", "--codec", "pcma,g722", "--play", wideFile(t, 6000, 10), "--record", file).proc, 15*time.Second)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := wav.Decode(raw)
	if err != nil || s.Rate != media.WideRate {
		t.Fatalf("recorded at %d Hz, %v", s.Rate, err)
	}
	if got := loudest(s, 5500); math.Abs(got+20) > 3 {
		t.Errorf("5,500 Hz are heard at %.1f dB, want -20", got)
	}
}
