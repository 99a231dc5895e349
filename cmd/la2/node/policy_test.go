package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

// A trunk is offered, and may use, only the codecs that its configuration names; one
// that the caller has (PCMA here) goes before.
func TestTrunkCodecs(t *testing.T) {
	for _, tt := range []struct {
		codecs []string
		offer  string
		in     int // for a caller with PCMA alone
	}{{nil, "RTP/AVP 8 0 101", 200}, {[]string{"pcmu"}, "RTP/AVP 0 101", 488}, {[]string{"pcmu", "pcma"}, "RTP/AVP 8 0 101", 200}, {[]string{"pcmu", "g722"}, "RTP/AVP 0 9 101", 488}} {
		a, b := toCarrier("a", carrierA), toCarrier("b", carrierB)
		b.Numbers, a.Codecs = nil, tt.codecs
		var c *carrierEnd
		carriers(t, nil, []configs.Trunk{a, b}, func(w *world) { c = w.carrier(carrierA) }, func(w *world, o *site) {
			phone := w.raw("10.0.4.1:5060")
			phone.send(phone.authorized("1001", "INVITE", "sip:"+citizen+"@10.0.0.1"))
			time.Sleep(100 * time.Millisecond)
			if got := string(c.last(sip.INVITE).Body()); !strings.Contains(got, tt.offer+"\r\n") {
				t.Errorf("%v: offered\n%s", tt.codecs, got)
			}
			other := w.raw(carrierB + ":5060")
			if res := other.final(other.request("INVITE", "sip:803001@10.0.0.1")); res.StatusCode != 200 {
				t.Errorf("%v: the other trunk: %d", tt.codecs, res.StatusCode)
			}
		})
		carriers(t, nil, []configs.Trunk{a}, func(*world) {}, func(w *world, o *site) {
			r := w.raw(carrierA + ":5060")
			if res := r.final(r.request("INVITE", "sip:803001@10.0.0.1")); res.StatusCode != tt.in {
				t.Errorf("%v: PCMA coming in: %d, want %d", tt.codecs, res.StatusCode, tt.in)
			}
		})
	}
}

// Numbers are rewritten at the border, both ways, and what has no country code gets
// none by a rule.
func TestTrunkNumbers(t *testing.T) {
	tr := toCarrier("operatore", carrierA)
	tr.Format = "national"
	tr.In = []configs.Rewrite{{Match: "39", Strip: 0, Add: "+"}, {Match: "99", Strip: 2, Add: ""}}
	tr.Out = []configs.Rewrite{{Match: "0", Strip: 0, Add: "9"}, {Match: "800", Strip: 0, Add: "+39"}}
	var c *carrierEnd
	carriers(t, nil, []configs.Trunk{tr}, func(w *world) { c = w.carrier(carrierA) }, func(w *world, o *site) {
		phone := w.raw("10.0.4.1:5060")
		for dialled, want := range map[string]string{citizen: "90612345678", "3381234567": "3381234567", "800155300": "800155300"} {
			phone.calls("1001", dialled)
			if got := c.last(sip.INVITE).Recipient.User; got != want {
				t.Errorf("%s leaves as %s, want %s", dialled, got, want)
			}
			time.Sleep(time.Minute) // two at a time
		}
		_ = c.sock.Close()
		in := w.raw(carrierA + ":5060")
		for dialled, want := range map[string]int{"3906828881": 200, "99803001": 200, "+39803001": 200, "3906828882": 403} {
			if res := in.final(in.request("INVITE", "sip:"+dialled+"@10.0.0.1", "From: <sip:390831000111@c>;tag=m")); res.StatusCode != want {
				t.Errorf("%s comes in: %d, want %d", dialled, res.StatusCode, want)
			}
		}
	})
}

// A trunk with a certificate is known by it, wherever it calls from, and by nothing
// else.
func TestTrunkByCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		cert, key, authority := ca.Files(t.TempDir(), "office.example")
		w := newWorld(t)
		cfg := demoConfig(t, "formezpa", hubIP)
		tr := toCarrier("sbc", "10.0.9.3") // its address alone is no proof
		tr.Certificate, tr.Address.Transport = "sbc.example", "tls"
		cfg.Trunks = []configs.Trunk{tr}
		cfg.SIP.TLS = configs.TLS{Certificate: cert, Key: key, ClientCA: authority, Clients: "optional"}
		var l configs.Listen
		if err := l.UnmarshalText([]byte("tls:" + hubIP + ":5061")); err != nil {
			t.Fatal(err)
		}
		cfg.SIP.Listen = append(cfg.SIP.Listen, l)
		for i := range cfg.Services {
			cfg.Services[i].Open = false
		}
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)
		defer o.stop()
		for i, tt := range []struct {
			name string
			want int
		}{{"sbc.example", 404}, {"other.example", 401}, {"", 401}} {
			client := &tls.Config{RootCAs: ca.Pool()}
			if tt.name != "" {
				client.Certificates = []tls.Certificate{ca.Issue(tt.name)}
			}
			got := make(chan int, 8)
			layer := flow.New(flow.Config{Dial: w.net.Dialer(netip.AddrFrom4([4]byte{10, 0, 9, byte(i + 1)})), TLS: client}, func(_ flow.Flow, m *wire.Message) {
				if m.Status() >= 200 {
					got <- m.Status()
				}
			})
			f, err := layer.DialName(context.Background(), flow.TLS, l.Address, "office.example")
			if err != nil {
				t.Fatal(err)
			}
			if err := layer.Send(f, fmt.Appendf(nil, "INVITE sip:0@%s SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.9.1;branch=z9hG4bK%d\r\nFrom: <sip:+390612345678@c>;tag=f\r\n"+
				"To: <sip:0@c>\r\nCall-ID: c%d\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:c@10.0.9.1;transport=tls>\r\nContent-Length: 0\r\n\r\n", hubIP, i, i)); err != nil {
				t.Fatal(err)
			}
			select {
			case status := <-got:
				if status != tt.want {
					t.Errorf("%q: %d, want %d", tt.name, status, tt.want)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("%q: no answer", tt.name)
			}
			_ = layer.Close()
		}
	})
}
