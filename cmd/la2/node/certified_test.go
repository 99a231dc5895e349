package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/siptest"
	"github.com/lineaamica/la2/sip/wire"
)

// A telephone that shows the certificate of its account registers and calls without a password,
// as itself only; one that shows none, or another, is asked for the password.
func TestCertificateForPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := siptest.NewAuthority(t)
		cert, key, authority := ca.Files(t.TempDir(), "office.example")
		w := newWorld(t)
		cfg := demoConfig(t, "formezpa", hubIP)
		cfg.Trunks = nil
		cfg.SIP.TLS = configs.TLS{Certificate: cert, Key: key, ClientCA: authority, Clients: "optional"}
		var l configs.Listen
		if err := l.UnmarshalText([]byte("tls:" + hubIP + ":5061")); err != nil {
			t.Fatal(err)
		}
		cfg.SIP.Listen = append(cfg.SIP.Listen, l)
		for i := range cfg.Accounts {
			if cfg.Accounts[i].User == "1001" {
				cfg.Accounts[i].Certificate = "tel-1001.example"
			}
		}
		o := w.run(&site{w: w, name: "hub", ip: hubIP, data: t.TempDir()}, cfg)
		defer o.stop()
		for i, tt := range []struct {
			name   string // of the client's certificate, empty: none
			user   string
			status map[string]int // by method
		}{
			{"tel-1001.example", "1001", map[string]int{"REGISTER": 200, "INVITE": 404}},
			{"tel-1001.example", "1002", map[string]int{"REGISTER": 401, "INVITE": 401}},
			{"tel-1002.example", "1001", map[string]int{"REGISTER": 401, "INVITE": 401}},
			{"", "1001", map[string]int{"REGISTER": 401, "INVITE": 401}},
		} {
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
			for method, want := range tt.status {
				err := layer.Send(f, fmt.Appendf(nil, "%s sip:4711@%s SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.9.1;branch=z9hG4bK%s%d\r\nFrom: <sip:%s@%s>;tag=f\r\n"+
					"To: <sip:%s@%s>\r\nCall-ID: %s%d\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\nContact: <sip:%s@10.0.9.1;transport=tls>\r\nContent-Length: 0\r\n\r\n",
					method, hubIP, method, i, tt.user, hubIP, tt.user, hubIP, method, i, method, tt.user))
				if err != nil {
					t.Fatal(err)
				}
				select {
				case status := <-got:
					if status != want {
						t.Errorf("%s as %s: %s gets %d, want %d", tt.name, tt.user, method, status, want)
					}
				case <-time.After(5 * time.Second):
					t.Errorf("%s as %s: no answer to %s", tt.name, tt.user, method)
				}
			}
			_ = layer.Close()
		}
	})
}
