package node

import (
	"errors"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/flow"
	"github.com/lineaamica/la2/sip/transaction"
)

// verify finds out which account sends a request: by the certificate of its
// connection, or by credentials for this Request-URI.
func (n *Node) verify(tx *transaction.Server) (user string, err error) {
	req := tx.Request()
	if from := req.From(); from != nil && n.certified(tx.Flow(), userOf(&from.Address)) {
		return userOf(&from.Address), nil
	}
	var sent []string
	for _, h := range req.GetHeaders("Authorization") {
		sent = append(sent, h.Value())
	}
	src := tx.Flow().Remote.Addr()
	p, err := n.verifier.VerifyAny(digest.Request{Source: src, Method: string(req.Method), URI: req.Recipient.String()}, sent)
	if err != nil {
		return p.User, err
	}
	n.shield.Trust(src, n.now().Add(proven))
	if !n.owns(tx.Flow(), p.User) {
		return "", digest.ErrDenied
	}
	return p.User, nil
}

// owns tells whether user may speak on f: a session of the desktop's browser is that
// of its agent's station and nobody else's, whatever passwords are known in it.
func (n *Node) owns(f flow.Flow, user string) bool {
	bound := n.flows.Peer(f).User
	return bound == "" || bound == user
}

// certified tells whether the far end of f proved by TLS to be what the account names
// as its certificate.
func (n *Node) certified(f flow.Flow, user string) bool {
	name := n.accounts[user].Certificate
	return name != "" && n.flows.Peer(f).Is(name)
}

// challenge answers what verify refused; a wrong password and an unknown user
// look alike.
func (n *Node) challenge(tx *transaction.Server, err error) {
	if errors.Is(err, digest.ErrDenied) {
		tx.RespondOnce(sip.StatusForbidden, "")
		return
	}
	var headers []sip.Header
	for _, c := range n.verifier.Challenge(tx.Flow().Remote.Addr(), errors.Is(err, digest.ErrStale)) {
		headers = append(headers, sip.NewHeader("WWW-Authenticate", c))
	}
	tx.RespondOnce(sip.StatusUnauthorized, "", headers...)
}
