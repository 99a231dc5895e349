// Package cti is the vocabulary of LA2: identifiers, causes, agent states and
// the events of the one stream, with the names of ECMA-269 (CSTA) where it has
// one. It is a leaf: it imports nothing of ours and owns no goroutine.
package cti

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

type (
	// SiteID is an office: its codice IPA in lower case ([a-z0-9_], 1 to 16).
	SiteID string
	// CallID is one call through this node: a ULID. Never the SIP Call-ID.
	CallID string
	// LegID is one leg of a call: the CallID, a slash and a number from 1 (the caller).
	LegID string
	// AgentID is a desktop user who may serve callers.
	AgentID string
	// DeviceID is a station: the user part of its address-of-record.
	DeviceID string
	// QueueID names a queue of this site.
	QueueID string
	// ServiceID names what a dialled number reaches.
	ServiceID string
	// TicketID is `<codice_ipa>.<ULID>`; the prefix is the creating office.
	TicketID string
	// Fence numbers agent offers; it only grows, and a command that carries an
	// older one lost the race.
	Fence uint64
)

// NewCallID makes an identifier whose order is that of creation (48-bit
// milliseconds and 80 random bits). Safe for concurrent use.
func NewCallID(now time.Time) CallID { return CallID(newULID(now)) }

// NewTicketID makes a ticket identifier for the office that opens it, without
// asking anybody. Safe for concurrent use.
func NewTicketID(site SiteID, now time.Time) TicketID {
	return TicketID(strings.ToLower(string(site)) + "." + newULID(now))
}

// Creator is the office that opened the ticket, "" when t is malformed.
func (t TicketID) Creator() SiteID {
	site, id, ok := strings.Cut(string(t), ".")
	if !ok || !validSite(site) {
		return ""
	}
	if _, err := ulid.ParseStrict(id); err != nil {
		return ""
	}
	return SiteID(site)
}

// Valid tells whether t has the form `<codice_ipa>.<ULID>`.
func (t TicketID) Valid() bool { return t.Creator() != "" }

func validSite(s string) bool {
	if len(s) < 1 || len(s) > 16 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Valid tells whether s is a codice IPA in lower case.
func (s SiteID) Valid() bool { return validSite(string(s)) }

func newULID(now time.Time) string {
	return ulid.MustNew(ulid.Timestamp(now), rand.Reader).String()
}
