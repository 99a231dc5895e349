package digest

import (
	"errors"
	"fmt"
	"strings"

	icholy "github.com/icholy/digest"
)

// ErrUnanswerable is a 401 or 407 without a challenge that we can answer.
var ErrUnanswerable = errors.New("digest: no challenge that we can answer")

// A Client answers challenges for one user. It keeps the last challenge and
// counts its uses, so that a refreshed registration needs no second round trip.
// Not safe for concurrent use.
type Client struct {
	User     string
	Password string
	// Realm is the only one that is answered; "": any. Who answers any realm gives a
	// digest of the password to whoever asks (CVE-2021-41158).
	Realm string

	chal  *icholy.Challenge
	count int
}

// Answer takes the WWW- or Proxy-Authenticate values of a 401 or 407 and returns
// the Authorization or Proxy-Authorization value for the repeated request. It
// takes the first challenge it knows how to answer (RFC 8760 2.4). sent is the
// value that the refused request carried, "" if none.
//
// The error is ErrUnanswerable, or ErrDenied when credentials were sent and the
// challenge is not stale: the password is wrong (RFC 3261 22.2), and trying
// again would only lock the account.
func (c *Client) Answer(method, uri, sent string, challenges []string) (string, error) {
	for _, s := range challenges {
		chal, err := icholy.ParseChallenge(strings.TrimSpace(s))
		if err != nil || !answerable(chal) || (c.Realm != "" && chal.Realm != c.Realm) {
			continue
		}
		if sent != "" && !chal.Stale {
			c.chal, c.count = nil, 0
			return "", ErrDenied
		}
		if c.chal == nil || c.chal.Nonce != chal.Nonce { // the same nonce again is counted on
			c.count = 0
		}
		c.chal = chal
		return c.authorize(method, uri)
	}
	return "", ErrUnanswerable
}

func answerable(c *icholy.Challenge) bool {
	for i, q := range c.QOP {
		c.QOP[i] = strings.TrimSpace(q)
	}
	return icholy.CanDigest(c) && (len(c.QOP) == 0 || c.SupportsQOP("auth"))
}

// Again returns credentials for another request under the last challenge, with
// the next nonce count; false when there was none yet. The server may answer
// with a stale challenge: then call Answer.
func (c *Client) Again(method, uri string) (string, bool) {
	if c.chal == nil {
		return "", false
	}
	s, err := c.authorize(method, uri)
	return s, err == nil
}

func (c *Client) authorize(method, uri string) (string, error) {
	c.count++
	cred, err := icholy.Digest(c.chal, icholy.Options{
		Method: method, URI: uri, Count: c.count, Username: c.User, Password: c.Password,
	})
	if err != nil {
		return "", fmt.Errorf("digest: answer: %w", err)
	}
	return cred.String(), nil
}
