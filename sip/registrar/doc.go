// Package registrar answers REGISTER (RFC 3261 10.3) on top of package location
// and digest, from the bytes of the request and without a transaction.
//
// Every request is authenticated, and credentials open only the address-of-record
// of their own user: another one is 403. The flow on which a REGISTER came is kept
// in the binding, and requests to the phone go back over it, by the proxies that
// wrote Path (RFC 3327) and over several flows at a time (RFC 5626). Third parties
// cannot register for others.
//
// There is no server transaction because none is needed: an answer follows from the
// request and the table at once (RFC 3261 8.2.7). A REGISTER that comes again, its
// answer being lost, is known by its bytes, changes nothing and gets the bindings
// as they are.
//
// Omitted: GRUU (RFC 5627: no call of ours needs to name one telephone of several
// from outside), Service-Route. The package owns no goroutine.
package registrar
