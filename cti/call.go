package cti

import "time"

// Class says how an inter-office call came to be; empty for a citizen's own call.
type Class string

const (
	// ClassOverflow is a caller who still waits in the sending office's queue.
	ClassOverflow Class = "overflow"
	// ClassTransfer is a caller whom an agent of the sending office hands over.
	ClassTransfer Class = "transfer"
)

// An Inbound is what the switch knows of a call when its script starts.
type Inbound struct {
	Call      CallID
	At        time.Time // when the INVITE arrived, UTC
	Caller    Party
	Dialled   string   // as dialled, normalised by package route
	Device    DeviceID // the station that calls; "" for everybody else
	Emergency bool     // a call for help: it is never refused for want of room, nor cut
	Trunk     string   // name of the trunk it came by; "" for a station
	From      SiteID   // office at the other end of that trunk; "" for a carrier or station
	Capsule   Capsule
}

// A Party is one end as shown to people.
type Party struct {
	Number   string `json:"number,omitempty"` // E.164 or national-only digits; "" when withheld
	Display  string `json:"display,omitempty"`
	Withheld bool   `json:"withheld,omitempty"`
	Verified bool   `json:"verified,omitempty"` // asserted by a trusted node or authenticated by us
}

// A Capsule is what travels with a call between offices (in User-to-User).
type Capsule struct {
	Ticket  TicketID  `json:"ticket,omitempty"`
	Instant time.Time `json:"instant,omitzero"` // network instant: when the call entered the network, UTC
	Class   Class     `json:"class,omitempty"`
	Hops    int       `json:"hops,omitempty"`
}

// A Destination is whom to ring: exactly one of Device, Contact and Trunk is set.
type Destination struct {
	Device  DeviceID // a registered station
	Contact string   // a static SIP URI (agents exempt from leases)
	Trunk   string   // name of a trunk peer; Number is dialled there
	Number  string
	Caller  Party // whom the called end sees
	Capsule Capsule
	Ring    time.Duration // 0: until the context ends
	// Emergency is a call for help: it goes on to the next way out after any failure.
	Emergency bool
	Early     bool // the caller may hear what it says before it answers
	// Follow lets what is rung divert the call to numbers that it may reach (3xx).
	Follow bool
	// AutoAnswer asks telephones that allow it to answer by themselves.
	AutoAnswer bool
	// Ringing, if set, is called once, on the first 18x. It must not block.
	Ringing func()
}

// A PromptRequest plays prompts in order and collects keys.
type PromptRequest struct {
	Prompts []string      // prompt names; empty: only collect
	Digits  int           // keys wanted; 0: none collected, keys do not interrupt
	Until   byte          // key that ends the collection early, 0: none
	First   time.Duration // wait for the first key after the last prompt; default 5 s
	Between time.Duration // wait between keys; default 3 s
}
