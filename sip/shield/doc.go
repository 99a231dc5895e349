// Package shield decides, before a message is parsed, whether it is worth a look, and before a
// response leaves over UDP, whether its receiver has paid for it.
//
// In the order of Verdict: access lists per listener; the exempt (trunks, loopback) pass; the
// banned are dropped; sources that nobody knows are limited by address (IPv4 /32, IPv6 /64) and by
// network (/24, /56) and searched for the names of scanners. Who registered or proved a password
// is known: it has a limit far above any telephone, and is never banned, because the source of a
// datagram can be forged. What goes wrong with the unknown is reported here as offences; too many
// in a minute are a ban with an end, longer each time.
//
// The other way round, all responses over UDP to an address that has shown nothing are together
// never longer than what came from it, so that a forged source gains nothing (amplification at
// most 1).
//
// Memory is bounded and the packet path allocates nothing: levels live in tables of fixed size
// whose least interesting cell makes room. The package has no goroutine. Not here: passwords
// (package digest), addresses that a message names (flow.Scope), load (package overload).
package shield
