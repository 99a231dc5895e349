package node

import (
	"errors"

	"github.com/emiago/sipgo/sip"

	"github.com/lineaamica/la2/sip/digest"
	"github.com/lineaamica/la2/sip/transaction"
)

// verify checks the credentials of an INVITE against its Request-URI.
func (n *Node) verify(tx *transaction.Server) (user string, err error) {
	req := tx.Request()
	var sent []string
	for _, h := range req.GetHeaders("Authorization") {
		sent = append(sent, h.Value())
	}
	src := tx.Flow().Remote.Addr()
	user, err = n.verifier.VerifyAny(src, string(req.Method), req.Recipient.String(), sent)
	if err == nil {
		n.shield.Trust(src, n.now().Add(proven))
	}
	return user, err
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
