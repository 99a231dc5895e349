package node

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/phone"
	"github.com/lineaamica/la2/sip/location"
	"github.com/lineaamica/la2/ticketlink/ticket"
)

const (
	killPort = "LA2_KILL_PORT"
	killData = "LA2_KILL_DATA"
	cycles   = 12
)

// killConfig is a hub on real sockets: 1001 and 1002 are always ready, 1003 logs in
// by hand.
func killConfig(t testing.TB, port int) *configs.Config {
	cfg := demoConfig(t, "formezpa", "127.0.0.1")
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
	cfg.SIP.Listen = []configs.Listen{{Transport: "udp", Address: at}}
	cfg.Media.Ports.Min, cfg.Media.Ports.Max = 14000, 14999
	cfg.Trunks, cfg.Queues[0].WrapUp = nil, 0
	for i := range cfg.Users {
		cfg.Users[i].Static = cfg.Users[i].User < "1003"
	}
	return cfg
}

// TestKillChild is the node that TestKill kills.
func TestKillChild(t *testing.T) {
	port, err := strconv.Atoi(os.Getenv(killPort))
	if err != nil {
		t.Skip("is run by TestKill")
	}
	go func() { // ends the child with its parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	n, err := New(t.Context(), Options{Config: killConfig(t, port), Data: os.Getenv(killData), Version: "test",
		Env: Env{NoHTTP: true, PINCost: 4}, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = n.Run(context.Background()) }() // ends with the process
	<-n.Ready()
	if seen, err := n.seats(t.Context()); err == nil && len(seen) == 0 {
		_, _ = n.floor.LogIn(t.Context(), "1003", "1003") // once: the seat outlives the process
	}
	_, _ = os.Stdout.WriteString("node ready\n")
	select {}
}

// A killer has telephones that outlive the node.
type killer struct {
	t        *testing.T
	port     int
	data     string
	answered atomic.Int64 // 200s that callers got
	rung     atomic.Int64 // INVITEs that agents got
	failed   atomic.Int64
}

// TestKill kills a node in the middle of calls, again and again: no ticket, record
// or registration is lost or doubled, no agent is stuck, and a call that was open
// ends with cause restart.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some 20 s")
	}
	k := &killer{t: t, port: freePort(t), data: filepath.Join(t.TempDir(), "node")}
	rng := rand.New(rand.NewPCG(1, 2))
	stop := k.start()
	for _, user := range []string{"1001", "1002"} {
		k.agent(user)
	}
	deadline := time.Now().Add(40 * time.Second)
	for i := range cycles {
		if time.Now().After(deadline) {
			t.Fatalf("only %d cycles: the machine is too slow", i)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 3 {
			pause, talk := time.Duration(rng.IntN(400))*time.Millisecond, time.Duration(rng.IntN(900))*time.Millisecond
			wg.Go(func() { k.call(ctx, pause, talk) }) // ends with ctx
		}
		time.Sleep(time.Duration(250+rng.IntN(700)) * time.Millisecond)
		stop()
		cancel()
		wg.Wait()
		if i < cycles-1 {
			stop = k.start()
		}
	}
	k.check()
}

// freePort finds one below those that the kernel gives out: while the node is down
// no telephone may get it.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		port := 12000 + rand.IntN(2000)
		pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			_ = pc.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// start runs the node in a process of its own; stop kills that.
func (k *killer) start() (stop func()) {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), os.Args[0], "-test.run=^TestKillChild$", "-test.v")
	cmd.Env = append(os.Environ(), killPort+"="+strconv.Itoa(k.port), killData+"="+k.data)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	var said []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "node ready" {
			return func() {
				_ = cmd.Process.Kill() // SIGKILL
				_ = cmd.Wait()         // tells that it was killed
				_ = in.Close()
			}
		}
		said = append(said, lines.Text())
	}
	k.t.Fatalf("the node did not start: %v\n%s", cmd.Wait(), strings.Join(said, "\n"))
	return nil
}

func (k *killer) via() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(k.port))
}

// agent registers a telephone, once, that answers after 100 ms.
func (k *killer) agent(user string) {
	k.t.Helper()
	p, err := phone.New(k.t.Context(), phone.Config{Via: k.via(), User: user, Password: "demo-" + user, Incoming: func(c *phone.Call) {
		k.rung.Add(1)
		time.AfterFunc(100*time.Millisecond, c.Answer)
		time.AfterFunc(5*time.Second, c.Hangup) // the other end may be dead
	}})
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(p.Close)
	if err := p.Register(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

// call calls after a pause, asks for an agent and talks for a while.
func (k *killer) call(ctx context.Context, pause, talk time.Duration) {
	p, err := phone.New(ctx, phone.Config{Via: k.via(), User: "cittadino", Password: "demo-cittadino"})
	if err != nil {
		k.t.Error(err)
		return
	}
	defer p.Close()
	wait := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	wait(pause)
	c, err := p.Call(ctx, "803001")
	if err != nil {
		if ctx.Err() == nil {
			k.failed.Add(1)
		}
		return
	}
	select {
	case <-c.Answered():
		k.answered.Add(1)
	case <-c.Ended():
		k.failed.Add(1)
		return
	case <-ctx.Done():
		return
	}
	c.DTMF("0")
	wait(talk)
	c.Hangup()
	wait(100 * time.Millisecond)
}

// check starts the node once more, here, and looks into it.
func (k *killer) check() {
	t := k.t
	w := newWorld(t)
	n, err := New(t.Context(), Options{Config: killConfig(t, k.port), Data: k.data, Version: "test", Env: Env{NoHTTP: true, PINCost: 4}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.Run(ctx) }) // ends with ctx
	defer wg.Wait()
	defer cancel()
	<-n.Ready()
	o := &site{Node: n, w: w, name: "hub", free: n.relay.FreePorts()}
	o.awaitFolds()
	o.checkStream()
	o.checkOnce(k)
	for _, device := range []location.AOR{"1001", "1002"} {
		if got := n.location.Lookup(device); len(got) != 1 {
			t.Errorf("%s has %d bindings", device, len(got))
		}
	}
	for _, a := range o.snapshot().Agents {
		switch {
		case a.ID == "1003" && (a.State != cti.AgentNotReady || a.Reason != "restart"):
			t.Errorf("1003 is %s (%s)", a.State, a.Reason)
		case a.ID < "1003" && (a.State != cti.AgentReady || !a.DeviceUp):
			t.Errorf("%s is %s, device up: %v", a.ID, a.State, a.DeviceUp)
		}
	}
}

// awaitFolds waits until records and tickets have read the stream.
func (o *site) awaitFolds() {
	for range 100 {
		cleared := 0
		for _, ev := range o.events() {
			if ev.Type == cti.EvCallCleared {
				cleared++
			}
		}
		if len(o.records()) >= cleared && o.tickets.Table().Cursor().Seq+5 >= o.stream.Last().Seq {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
}

// checkOnce: what telephones were told is in the journal, each ticket was opened
// once, and every call that was open when the node died has its record.
func (o *site) checkOnce(k *killer) {
	t := o.w.t
	count := map[cti.EventType]int{}
	opened := map[cti.TicketID]int{}
	queued := map[cti.TicketID]bool{}
	for _, ev := range o.events() {
		count[ev.Type]++
		switch ev.Type {
		case cti.EvTicketOpened:
			opened[ev.Ticket]++
		case cti.EvQueued:
			queued[ev.Ticket] = true
		}
	}
	restart := 0
	for _, r := range o.records() {
		if r.Cause == cti.CauseRestart {
			restart++
		}
	}
	if int(k.answered.Load()) > count[cti.EvAnswered] || int(k.rung.Load()) > count[cti.EvAgentReserved] {
		t.Errorf("callers got %d answers, agents %d INVITEs; the journal has %d and %d",
			k.answered.Load(), k.rung.Load(), count[cti.EvAnswered], count[cti.EvAgentReserved])
	}
	stored := 0
	if err := o.tickets.All(func(ticket.Ticket) bool { stored++; return true }); err != nil {
		t.Error(err)
	}
	for id, n := range opened {
		if n != 1 || !queued[id] {
			t.Errorf("ticket %s was opened %d times, queued: %v", id, n, queued[id])
		}
	}
	if stored != len(queued) || len(opened) != len(queued) {
		t.Errorf("%d callers were queued, %d tickets opened, %d stored", len(queued), len(opened), stored)
	}
	if restart == 0 || count[cti.EvEstablished] == 0 {
		t.Errorf("nothing was tested: %d open calls killed, %d talks", restart, count[cti.EvEstablished])
	}
	t.Logf("%d calls, %d queued, %d talks, %d open when killed, %d failed, %d events", len(o.records()), len(queued),
		count[cti.EvEstablished], restart, k.failed.Load(), o.stream.Last().Seq)
}
