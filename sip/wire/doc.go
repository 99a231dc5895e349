// Package wire indexes the bytes of one SIP message: where its header fields lie, what the
// fields that decide about transport and transactions say, and whether a message is fit for any
// further look (RFC 3261 7, 18.3, 20, 25.1).
//
// It works on the received bytes, allocates nothing for a well-formed message and keeps no
// reference once the caller drops the Message. Meaning (URIs, parameters, lists) is the business
// of the typed parser of github.com/emiago/sipgo, which must only see what Parse let through;
// AppendCanonical writes a message in the form which that parser reads without surprises.
//
// Left out: typed header values other than Via, CSeq and the tags; multipart bodies.
// The package starts no goroutine; a Message and a Framer belong to one goroutine at a time.
package wire
