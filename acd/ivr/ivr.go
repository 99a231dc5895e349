// Package ivr holds the pure part of menus: what a key means, what a typed
// tracking code is. It plays nothing and starts no goroutine.
package ivr

import "github.com/lineaamica/la2/cti"

// A Menu is one level of choices by key. '0' always reaches an agent.
type Menu struct {
	Options []Option
}

// An Option is what one key does.
type Option struct {
	Key      byte // '0' to '9', '*', '#'
	Topic    string
	Skills   []string
	Queue    cti.QueueID // "": the queue of the service
	Tracking bool        // asks for a tracking code
	Operator bool        // no topic
}
