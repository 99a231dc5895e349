// Package resolve finds the servers of a SIP domain (RFC 3263): from host, port and transport of
// a URI to an ordered list of addresses, of which the caller tries the next when one fails (4.3).
//
// NAPTR chooses transports (4.1), SRV hosts and ports by priority and weight (4.2, RFC 2782), A
// and AAAA addresses, IPv6 first (RFC 6724). A literal address needs no look-up, a port in the
// URI leaves out NAPTR and SRV. Answers are kept for their TTL, refusals too (RFC 2308), and what
// was found before serves on for an hour when no name server answers (RFC 8767).
//
// Two departures. Silence of the name servers on NAPTR counts as "none": some drop the type, and
// transports are found by SRV as well. Addresses that Config.Allow refuses are left out, so that
// no zone sends us to our own loopback or to a metadata service.
//
// Left out: hosts files and search lists, DNSSEC, and the DNS side of ENUM.
//
// Targets blocks, so it is never called on the receive path of messages. The package starts one
// goroutine for each question that it asks; it ends with the answer or after Config.Total, and
// Close waits for all. A Resolver is safe for concurrent use.
package resolve
