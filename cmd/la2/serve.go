package main

import (
	"errors"
	"log/slog"
	"os"

	"github.com/lineaamica/la2/cmd/la2/node"
	"github.com/lineaamica/la2/configs"
)

type serveCmd struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"Configuration file; every key is explained in configs/reference.yaml."`
	Data   string `placeholder:"DIR" help:"Directory of the journal, instead of the file's data key."`
}

// Run serves until SIGTERM or Ctrl-C, then drains; a second signal cuts that short.
func (c serveCmd) Run() (err error) {
	stopProfile, err := profile()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProfile()) }()
	cfg, err := configs.Load(c.Config)
	if err != nil {
		return err
	}
	if err := node.Verify(cfg); err != nil {
		return err
	}
	data := cfg.Data
	if c.Data != "" {
		data = c.Data
	}
	if data == "" {
		return errors.New("where to keep the journal? set data: in the file or give --data")
	}
	ctx, second, stop := signals()
	defer stop()
	n, err := node.New(ctx, node.Options{Config: cfg, Data: data, Logger: logger(cfg.Log), Version: version})
	if err != nil {
		return err
	}
	forget, err := saveToken(cfg.HTTP.Listen, n.StatusToken())
	if err != nil {
		slog.Warn("la2 status needs --token: token file not written", "error", err)
	}
	defer forget()
	defer hurried(second, n.Hurry)()
	return n.Run(ctx)
}

func logger(c configs.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: level(c.Level)}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// level reads a name that was checked before.
func level(name string) slog.Level {
	l := slog.LevelInfo
	_ = l.UnmarshalText([]byte(name))
	return l
}
