package node

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/trunk"
)

// A carrierEnd is the far end of a trunk: it takes every call, after a challenge if
// it has a verifier, and notes what came.
type carrierEnd struct {
	*raw
	verifier *digest.Verifier

	mu     sync.Mutex                // guards all below
	status map[sip.RequestMethod]int // what it answers instead of 200; -1: nothing
	extra  map[sip.RequestMethod]string
	log    []string
	got    map[sip.RequestMethod]*sip.Request // the latest of each that was let in
}

// carrier starts one at ip.
func (w *world) carrier(ip string) *carrierEnd {
	c := &carrierEnd{raw: w.raw(ip + ":5060"), status: map[sip.RequestMethod]int{}, extra: map[sip.RequestMethod]string{}, got: map[sip.RequestMethod]*sip.Request{}}
	go func() { // ends with the test's bubble, when nothing comes any more
		for {
			select {
			case b := <-c.in:
				if m, err := sip.ParseMessage(b); err == nil {
					if req, ok := m.(*sip.Request); ok {
						c.take(req)
					}
				}
			case <-w.t.Context().Done():
				return
			}
		}
	}()
	return c
}

// wants makes c challenge everything but ACK and CANCEL.
func (c *carrierEnd) wants(user, password, realm string) {
	v, err := digest.New(digest.Config{Realm: realm, Algorithms: []string{digest.MD5}, Secret: []byte("0123456789abcdef0123456789abcdef")},
		func(u string) (digest.HA1, bool) { return digest.Password(realm, user, password), u == user })
	if err != nil {
		c.t.Fatal(err)
	}
	c.verifier = v
}

func (c *carrierEnd) take(req *sip.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.Method == sip.ACK {
		return
	}
	status, known := c.status[req.Method]
	if !known {
		status = 200
	}
	extra := c.extra[req.Method]
	if c.verifier != nil && req.Method != sip.CANCEL {
		var sent []string
		for _, h := range req.GetHeaders("Proxy-Authorization") {
			sent = append(sent, h.Value())
		}
		if _, err := c.verifier.VerifyAny(digest.Request{Source: hubAddr, Method: string(req.Method), URI: req.Recipient.String()}, sent); err != nil {
			status, extra = 407, "Proxy-Authenticate: "+c.verifier.Challenge(hubAddr, false)[0]
		}
	}
	c.log = append(c.log, fmt.Sprint(req.Method, " ", status))
	if status != 407 {
		c.got[req.Method] = req
	}
	if status > 0 {
		c.answer(req, status, extra)
	}
}

var hubAddr = netip.MustParseAddr(hubIP)

func (c *carrierEnd) answer(req *sip.Request, status int, extra string) {
	body := ""
	if req.Method == sip.INVITE && status == 200 {
		body = rawSDP
		extra += "\r\nContent-Type: application/sdp"
	}
	if req.Method == sip.REGISTER && status == 200 {
		extra += "\r\nContact: <" + req.Contact().Address.String() + ">;expires=600"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d X\r\n", status)
	for _, h := range req.GetHeaders("Via") {
		b.WriteString(h.String() + "\r\n")
	}
	to := req.To().String()
	if !strings.Contains(to, "tag=") {
		to += ";tag=carrier"
	}
	fmt.Fprintf(&b, "%s\r\n%s\r\n%s\r\n%s\r\n", req.From(), to, req.CallID(), req.CSeq())
	if req.Method == sip.INVITE {
		fmt.Fprintf(&b, "Contact: <sip:gw@%s>\r\n", c.at)
	}
	if extra = strings.TrimPrefix(extra, "\r\n"); extra != "" {
		b.WriteString(extra + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	c.send(b.String())
}

// says makes c answer a method with status, -1 for not at all.
func (c *carrierEnd) says(method sip.RequestMethod, status int, extra string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status[method], c.extra[method] = status, extra
}

// heard is the log since the last call of heard.
func (c *carrierEnd) heard() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := strings.Join(c.log, ", ")
	c.log = nil
	return out
}

// last is the latest request of a method that was let in, nil when there is none.
func (c *carrierEnd) last(method sip.RequestMethod) *sip.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[method]
}

// carriers runs f against the hub with its trunks replaced; their probes are over
// when f begins.
func carriers(t *testing.T, edit func(*configs.Config), trunks []configs.Trunk, ends func(w *world), f func(w *world, o *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.began = time.Now()
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = trunks
		if edit != nil {
			edit(cfg)
		}
		o := &site{w: w, name: "hub", ip: hubIP, data: dataDir(t, "hub"), health: trunk.HealthConfig{Interval: 24 * time.Hour, Retry: 24 * time.Hour}}
		w.nodes["hub"] = o
		ends(w)
		w.run(o, cfg)
		time.Sleep(time.Second)
		f(w, o)
		time.Sleep(settle)
		o.stop()
	})
}

const (
	carrierA, carrierB, carrierC = "10.0.5.1", "10.0.5.2", "10.0.5.3"
	citizen                      = "+390612345678"
)

// toCarrier is a trunk of the configuration.
func toCarrier(name, ip string) configs.Trunk {
	return configs.Trunk{Name: name, CLI: "+3906828881", Numbers: []string{"+39*", "800*", "89*", "00*"},
		Address: configs.Listen{Transport: "udp", Address: netip.AddrPortFrom(netip.MustParseAddr(ip), 5060)}}
}

// calls out: a station's INVITE with credentials, its final status, its 200
// acknowledged.
func (r *raw) calls(user, number string, lines ...string) *sip.Response {
	r.t.Helper()
	res := r.as(user, "INVITE", "sip:"+number+"@10.0.0.1", lines...)
	if res.StatusCode < 300 {
		r.send(r.inDialog(res, "ACK"))
	}
	return res
}

// inDialog is a request in the dialog that res opened.
func (r *raw) inDialog(res *sip.Response, method string) string {
	r.id++
	seq := res.CSeq().SeqNo
	if method != "ACK" {
		seq++
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-d%d;rport\r\n%s\r\n%s\r\n%s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		method, res.Contact().Address.String(), r.at, r.id, res.From(), res.To(), res.CallID(), seq, method)
}

// telephone is a carrierEnd at the address where a station is registered.
func (w *world) telephone(user, ip string) *carrierEnd {
	w.t.Helper()
	r := w.raw(ip + ":5060")
	if res := r.as(user, "REGISTER", "sip:10.0.0.1", "To: <sip:"+user+"@10.0.0.1>", "Expires: 3600"); res.StatusCode != 200 {
		w.t.Fatalf("REGISTER: %d", res.StatusCode)
	}
	_ = r.sock.Close()
	return w.carrier(ip)
}
