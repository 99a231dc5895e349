package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/wav"
	"github.com/lineaamica/la2/phone"
	"github.com/lineaamica/la2/sip/flow"
)

type phoneCmd struct {
	Register phoneRegisterCmd `cmd:"" help:"Register, stay for --for, unregister."`
	Call     phoneCallCmd     `cmd:"" help:"Ring a number."`
	Answer   phoneAnswerCmd   `cmd:"" help:"Register and answer what rings."`
}

// phoneFlags are common to the phone's verbs.
type phoneFlags struct {
	Via       string        `default:"127.0.0.1:5060" help:"Server: HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT, whose certificate must name HOST."`
	CA        string        `name:"ca" type:"existingfile" placeholder:"FILE" help:"Authorities of the server's certificate, PEM; default those of the system."`
	User      string        `default:"cittadino" help:"Account."`
	Password  string        `env:"LA2_PHONE_PASSWORD" help:"Password; default demo-USER."`
	From      string        `placeholder:"NUMBER" help:"Number to show instead of the account; for cittadino an invented one."`
	Anonymous bool          `help:"Withhold the number."`
	Listen    string        `default:"127.0.0.1:0" help:"Our own address."`
	Play      string        `type:"existingfile" placeholder:"WAV" help:"What to say, repeated; default a soft tone of 440 Hz."`
	Silent    bool          `help:"Say nothing."`
	Record    string        `placeholder:"WAV" help:"Where to write what was heard."`
	Codec     []string      `enum:"g722,pcma,pcmu" default:"pcma,pcmu" placeholder:"NAME" help:"Codecs, best first: g722 (wide-band), pcma, pcmu."`
	DTMF      string        `name:"dtmf" placeholder:"KEYS" help:"Keys to press: DIGITS or DIGITS@DELAY after the answer, as in 1@5s; several with commas."`
	For       time.Duration `default:"60s" help:"How long: of the call, or of staying registered."`
	JSON      bool          `name:"json" help:"One JSON object a line instead of text."`
}

type phoneRegisterCmd struct{ phoneFlags }

type phoneCallCmd struct {
	phoneFlags
	Number string `arg:"" help:"Number to ring, such as 803001."`
}

type phoneAnswerCmd struct {
	phoneFlags
	After         time.Duration `default:"1s" help:"Ring so long before answering."`
	Calls         int           `default:"0" help:"Leave after so many calls; 0: stay for --for."`
	Talk          time.Duration `default:"0s" help:"Hang up so long after answering; 0: when the other end does."`
	Transfer      string        `placeholder:"NUMBER" help:"Transfer the caller there (REFER), --transfer-after the answer."`
	TransferAfter time.Duration `default:"5s" help:"See --transfer."`
}

// The demo's account of the public network, and the invented number of the
// citizen who calls through it.
const (
	demoCitizen   = "cittadino"
	citizenNumber = "+390655501234"
)

// press is keys at a time after the answer.
type press struct {
	keys string
	at   time.Duration
}

func presses(text string) ([]press, error) {
	var out []press
	for part := range strings.SplitSeq(text, ",") {
		keys, delay, has := strings.Cut(strings.TrimSpace(part), "@")
		if keys == "" {
			continue
		}
		if strings.Trim(keys, "0123456789*#ABCDabcd") != "" {
			return nil, fmt.Errorf("--dtmf %q: want keys 0-9 * # A-D, as in 1@5s", part)
		}
		p := press{keys: keys, at: time.Second}
		if has {
			d, err := time.ParseDuration(delay)
			if err != nil || d < 0 {
				return nil, fmt.Errorf("--dtmf %q: %q is no delay, write for example 5s", part, delay)
			}
			p.at = d
		}
		out = append(out, p)
	}
	return out, nil
}

// start opens the phone. The context ends with --for or a signal.
func (f *phoneFlags) start(incoming func(*phone.Call)) (context.Context, context.CancelFunc, *phone.Phone, error) {
	server, err := f.server()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("--via %s: %w", f.Via, err)
	}
	listen, err := netip.ParseAddrPort(f.Listen)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("--listen %s: want IP:PORT", f.Listen)
	}
	if f.Password == "" {
		f.Password = "demo-" + f.User
	}
	if f.From == "" && f.User == demoCitizen {
		f.From = citizenNumber
	}
	sound, wide, err := f.sound()
	if err != nil {
		return nil, nil, nil, err
	}
	var codecs []media.Codec
	for _, name := range f.Codec {
		codecs = append(codecs, map[string]media.Codec{"g722": media.G722, "pcma": media.PCMA, "pcmu": media.PCMU}[name])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p, err := phone.New(ctx, phone.Config{Listen: listen, Via: server.at, Transport: server.transport, Name: server.name, TLS: server.tls, User: f.User, Password: f.Password, From: f.From,
		Anonymous: f.Anonymous, Sound: sound, WideSound: wide, Codecs: codecs, Record: f.Record != "", Listener: printer(f.JSON), Incoming: incoming})
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	return ctx, stop, p, nil
}

// A phoneServer is where --via leads.
type phoneServer struct {
	at        netip.AddrPort
	transport flow.Transport
	name      string
	tls       *tls.Config
}

// server reads --via and --ca.
func (f *phoneFlags) server() (s phoneServer, err error) {
	s.transport = flow.UDP
	where := f.Via
	if kind, rest, ok := strings.Cut(f.Via, ":"); ok {
		if t, known := flow.ParseTransport(kind); known && kind != "" {
			s.transport, where = t, rest
		}
	}
	if s.transport > flow.TLS {
		return s, errors.New("a browser speaks WebSocket; want udp:, tcp: or tls:")
	}
	if !strings.Contains(where, ":") {
		where += map[bool]string{true: ":5061", false: ":5060"}[s.transport == flow.TLS]
	}
	if s.at, err = resolve(where); err != nil || s.transport != flow.TLS {
		return s, err
	}
	if s.name, _, err = net.SplitHostPort(where); err != nil {
		return s, err
	}
	s.tls = &tls.Config{}
	if f.CA == "" {
		return s, nil
	}
	raw, err := os.ReadFile(f.CA)
	if err != nil {
		return s, err
	}
	s.tls.RootCAs = x509.NewCertPool()
	if !s.tls.RootCAs.AppendCertsFromPEM(raw) {
		return s, fmt.Errorf("--ca %s: no certificate in PEM form", f.CA)
	}
	return s, nil
}

func resolve(hostport string) (netip.AddrPort, error) {
	if ap, err := netip.ParseAddrPort(hostport); err == nil {
		return ap, nil
	}
	a, err := net.ResolveUDPAddr("udp", hostport)
	if err != nil {
		return netip.AddrPort{}, errors.New("want HOST:PORT with a host that has an address")
	}
	return a.AddrPort(), nil
}

// sound is what to say, at 8 and, if it has as much, at 16 kHz.
func (f *phoneFlags) sound() (narrow, wide []int16, err error) {
	if f.Silent {
		return nil, nil, nil
	}
	if f.Play == "" {
		return phone.Tone(440), nil, nil
	}
	raw, err := os.ReadFile(f.Play)
	if err != nil {
		return nil, nil, fmt.Errorf("--play: %w", err)
	}
	s, err := wav.Decode(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("--play %s: %w", f.Play, err)
	}
	if s.Rate >= media.WideRate {
		wide = s.Resample(media.WideRate).Samples
	}
	return s.Resample(media.ClockRate).Samples, wide, nil
}

// printer writes one event a line.
func printer(asJSON bool) func(phone.Event) {
	var mu sync.Mutex // guards standard output
	return func(e phone.Event) {
		mu.Lock()
		defer mu.Unlock()
		if asJSON {
			_ = json.NewEncoder(os.Stdout).Encode(e)
			return
		}
		fmt.Println(e.String())
	}
}

// Run registers, waits and unregisters.
func (c phoneRegisterCmd) Run() error {
	ctx, stop, p, err := c.start(nil)
	if err != nil {
		return err
	}
	defer stop()
	defer p.Close()
	if err := p.Register(ctx); err != nil {
		return exitError(1)
	}
	wait(ctx, c.For)
	return p.Unregister(context.WithoutCancel(ctx))
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Run rings the number and stays for --for after the answer at most.
func (c phoneCallCmd) Run() error {
	keys, err := presses(c.DTMF)
	if err != nil {
		return err
	}
	ctx, stop, p, err := c.start(nil)
	if err != nil {
		return err
	}
	defer stop()
	defer p.Close()
	call, err := p.Call(ctx, c.Number)
	if err != nil {
		return err
	}
	c.talk(ctx, call, keys, c.For)
	if err := c.save(call); err != nil {
		return err
	}
	if call.Result().Event == "failed" {
		return exitError(1)
	}
	return nil
}

// talk presses the keys and hangs up after d, counted from the answer (or from
// now while nobody answers).
func (f *phoneFlags) talk(ctx context.Context, call *phone.Call, keys []press, d time.Duration) {
	limit := time.After(d)
	select {
	case <-call.Answered():
		limit = time.After(d)
		for _, k := range keys {
			t := time.AfterFunc(k.at, func() { call.DTMF(k.keys) })
			defer t.Stop()
		}
	case <-call.Ended():
	case <-limit:
	case <-ctx.Done():
	}
	select {
	case <-call.Ended():
		return
	case <-limit:
	case <-ctx.Done():
	}
	call.Hangup()
	select {
	case <-call.Ended():
	case <-time.After(3 * time.Second):
	}
}

func (f *phoneFlags) save(call *phone.Call) error {
	if f.Record == "" {
		return nil
	}
	file := wav.Encode(call.Heard())
	if wide := call.HeardWide(); len(wide) > 0 {
		file = wav.EncodeAt(media.WideRate, wide)
	}
	if err := os.WriteFile(f.Record, file, 0o600); err != nil {
		return fmt.Errorf("--record: %w", err)
	}
	return nil
}

// Run answers until --for is over or --calls calls were served.
func (c phoneAnswerCmd) Run() error {
	keys, err := presses(c.DTMF)
	if err != nil {
		return err
	}
	incoming := make(chan *phone.Call, 16) // more calls than a person holds
	ctx, stop, p, err := c.start(func(call *phone.Call) {
		select {
		case incoming <- call:
		default:
			call.Reject(486, "Busy Here")
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	defer p.Close()
	if err := p.Register(ctx); err != nil {
		return exitError(1)
	}
	ctx, cancel := context.WithTimeout(ctx, c.For)
	defer cancel()
	for served := 0; c.Calls == 0 || served < c.Calls; served++ {
		select {
		case <-ctx.Done():
			return p.Unregister(context.WithoutCancel(ctx))
		case call := <-incoming:
			if err := c.serve(ctx, call, keys); err != nil {
				return err
			}
		}
	}
	return p.Unregister(context.WithoutCancel(ctx))
}

func (c phoneAnswerCmd) serve(ctx context.Context, call *phone.Call, keys []press) error {
	select {
	case <-call.Ended():
		return nil
	case <-ctx.Done():
		return nil
	case <-time.After(c.After):
	}
	call.Answer()
	if c.Transfer != "" {
		t := time.AfterFunc(c.TransferAfter, func() { _ = call.Refer(ctx, c.Transfer) })
		defer t.Stop()
	}
	d := c.Talk
	if d == 0 {
		d = 24 * time.Hour
	}
	c.talk(ctx, call, keys, d)
	return c.save(call)
}
