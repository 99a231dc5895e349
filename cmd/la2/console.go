package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
)

// A consoleHandler writes log lines for a person who watches the demo: the time
// of day, the level when it is not Info, the message in a column, then the fields.
type consoleHandler struct {
	fields slog.Handler // writes into shared.line
	shared *consoleOut
}

type consoleOut struct {
	mu   sync.Mutex // guards line and out
	line bytes.Buffer
	out  io.Writer
}

func newConsole(out io.Writer, level slog.Level) *consoleHandler {
	shared := &consoleOut{out: out}
	fields := slog.NewTextHandler(&shared.line, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && slices.Contains([]string{slog.TimeKey, slog.LevelKey, slog.MessageKey}, a.Key) {
			return slog.Attr{}
		}
		return a
	}})
	return &consoleHandler{fields: fields, shared: shared}
}

// Enabled tells whether the level is logged.
func (h *consoleHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.fields.Enabled(ctx, l)
}

// Handle writes one line.
func (h *consoleHandler) Handle(ctx context.Context, r slog.Record) error {
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	h.shared.line.Reset()
	if err := h.fields.Handle(ctx, r); err != nil {
		return err
	}
	level := ""
	if r.Level != slog.LevelInfo {
		level = r.Level.String() + " "
	}
	_, err := fmt.Fprintf(h.shared.out, "%s  %-28s %s", r.Time.Local().Format("15:04:05.000"), level+r.Message, h.shared.line.Bytes())
	return err
}

// WithAttrs is slog.Handler's.
func (h *consoleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &consoleHandler{fields: h.fields.WithAttrs(attrs), shared: h.shared}
}

// WithGroup is slog.Handler's.
func (h *consoleHandler) WithGroup(name string) slog.Handler {
	return &consoleHandler{fields: h.fields.WithGroup(name), shared: h.shared}
}
