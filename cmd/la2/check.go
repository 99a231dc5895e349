package main

import (
	"fmt"

	"github.com/lineaamica/la2/cmd/la2/node"
	"github.com/lineaamica/la2/configs"
)

type checkCmd struct {
	File string `arg:"" help:"Configuration file, as given to la2 serve."`
}

// Run loads the file strictly and builds from it what can be built without
// sockets: prompts, routes, calendars, engine.
func (c checkCmd) Run() error {
	cfg, err := configs.Load(c.File)
	if err == nil {
		err = node.Verify(cfg)
	}
	if err != nil {
		fmt.Println(err)
		return exitError(1)
	}
	for _, w := range configs.Warnings(cfg) {
		fmt.Printf("%s: warning: %s\n", c.File, w)
	}
	fmt.Printf("%s: good: site %s, %d services, %d queues, %d users, %d trunks\n",
		c.File, cfg.Site.IPA, len(cfg.Services), len(cfg.Queues), len(cfg.Users), len(cfg.Trunks))
	return nil
}
