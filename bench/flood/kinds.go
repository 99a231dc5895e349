package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// kinds are what strangers send: noise, damaged SIP, guesses, scanners, responses to nothing.
var kinds = []func(rng *rand.Rand, from string, n int) []byte{
	noise,
	func(_ *rand.Rand, from string, n int) []byte {
		return []byte(strings.Replace(request("INVITE", "sip:1001@127.0.0.1:5560", from, n, ""), "CSeq: ", "CSeq: x", 1))
	},
	func(_ *rand.Rand, from string, n int) []byte {
		return []byte(request("REGISTER", "sip:127.0.0.1:5560", from, n, ""))
	},
	func(_ *rand.Rand, from string, n int) []byte {
		return []byte(request("REGISTER", "sip:127.0.0.1:5560", from, n, "Authorization: Digest username=\"1001\", realm=\"la2\", nonce=\"x\", "+
			"uri=\"sip:127.0.0.1:5560\", response=\"00000000000000000000000000000000\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\"\r\n"))
	},
	func(rng *rand.Rand, from string, n int) []byte {
		return []byte(request("INVITE", fmt.Sprintf("sip:+39%09d@127.0.0.1:5560", rng.IntN(1e9)), from, n, ""))
	},
	func(_ *rand.Rand, from string, n int) []byte {
		return []byte(request("OPTIONS", "sip:100@127.0.0.1:5560", from, n, "User-Agent: friendly-scanner\r\n"))
	},
	func(_ *rand.Rand, from string, n int) []byte {
		return []byte(request("OPTIONS", "sip:100@127.0.0.1:5560", from, n, ""))
	},
	func(_ *rand.Rand, from string, n int) []byte {
		r := request("INVITE", "", from, n, "")
		return []byte("SIP/2.0 200 OK" + r[strings.Index(r, "\r\n"):])
	},
}

func noise(rng *rand.Rand, _ string, _ int) []byte {
	b := make([]byte, 20+rng.IntN(400))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func request(method, uri, from string, n int, extra string) string {
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:1001@%s>;tag=%d\r\nTo: <sip:1001@127.0.0.1>\r\n"+
		"Call-ID: %d@%s\r\nCSeq: 1 %s\r\nContact: <sip:1001@%s>\r\n%sContent-Length: 0\r\n\r\n", method, uri, from, n, from, n, n, from, method, from, extra)
}
