// Command la2 is the LA2 telephony switch and CTI server: a node of the network
// (serve), a whole network on loopback (demo), a scripted SIP phone (phone) and
// the small tools of whoever runs a node.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	_ "time/tzdata" // opening hours need Europe/Rome wherever the binary runs

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// commands is the command line.
type commands struct {
	Demo    demoCmd    `cmd:"" help:"Start a living network of three offices on loopback and say how to ring it."`
	Serve   serveCmd   `cmd:"" help:"Run one node until Ctrl-C or SIGTERM."`
	Check   checkCmd   `cmd:"" help:"Check a configuration file: each fault with line, column, key and what is allowed."`
	Phone   phoneCmd   `cmd:"" help:"A scripted SIP phone: register, call, answer."`
	Status  statusCmd  `cmd:"" help:"Queues, agents (as counts), calls and trunks of a running node."`
	User    userCmd    `cmd:"" help:"Make a password hash for a desktop user."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// gcPercent trades memory for CPU: a call leaves short-lived messages behind and
// the live heap is small, so that collecting at the default of 100 takes nearly
// half of the CPU time of a call. GOGC overrides it. memoryLimit makes the
// collector work harder before a flood's garbage fills a small machine; GOMEMLIMIT
// overrides that.
const (
	gcPercent   = 400
	memoryLimit = 1 << 30
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	os.Exit(run(os.Args[1:]))
}

const description = `The open telephony switch and CTI server of a network of public offices.

Begin with "la2 demo". Exit status: 0 good, 1 failed, 2 wrong command line.`

func run(args []string) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("la2"), kong.Description(description), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return misused(err)
	}
	if err := ctx.Run(); err != nil {
		if silent, ok := errors.AsType[exitError](err); ok {
			return int(silent)
		}
		fmt.Fprintln(os.Stderr, "la2: "+err.Error())
		return 1
	}
	return 0
}

// misused says in one line what is wrong with the command line and where to read on.
func misused(err error) int {
	help := "la2"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		for _, step := range parse.Context.Path {
			if step.Command != nil {
				help += " " + step.Command.Name
			}
		}
	}
	fmt.Fprintf(os.Stderr, "la2: %v; see %s --help\n", err, help)
	return 2
}

// exitError ends with a status after the command has said everything itself.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("la2 " + version)
	return nil
}
