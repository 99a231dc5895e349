package trunk

import (
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
)

// An Account is who we are at a peer: it answers the challenges of that peer and of
// no other, and only those of its realm, so that the password's digest is not to be
// had by whoever asks for it. Safe for concurrent use.
type Account struct {
	User     string
	Password string
	Realm    string

	mu     sync.Mutex // guards client, which counts the uses of a nonce
	client digest.Client
}

// Answer is the header with which refused is to be sent again after res, its 401 or
// 407 (RFC 3261 22.2, 22.3). False: the realm is another, the algorithm is not
// known, or these credentials were refused already. It has the signature of
// b2bua.Credentials.
func (a *Account) Answer(refused *sip.Request, res *sip.Response) (sip.Header, bool) {
	asked, answered := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		asked, answered = "Proxy-Authenticate", "Proxy-Authorization"
	}
	var challenges []string
	for _, h := range res.GetHeaders(asked) {
		challenges = append(challenges, h.Value())
	}
	sent := ""
	if h := refused.GetHeader(answered); h != nil {
		sent = h.Value()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.client.User, a.client.Password, a.client.Realm = a.User, a.Password, a.Realm
	value, err := a.client.Answer(string(refused.Method), refused.Recipient.String(), sent, challenges)
	if err != nil {
		return nil, false
	}
	return sip.NewHeader(answered, value), true
}
