package main

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"
)

func TestConsole(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newConsole(&out, slog.LevelInfo)).With("site", "cmna")
	log.Debug("not seen")
	log.Info("call queued", "call", "01J", "queue", "urp")
	log.WithGroup("peer").Warn("trunk down", "msg", "no answer")
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3}  call queued                  site=cmna call=01J queue=urp
\d\d:\d\d:\d\d\.\d{3}  WARN trunk down              site=cmna peer.msg="no answer"
$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got\n%s", out.Bytes())
	}
}
