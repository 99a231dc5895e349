package cti

import (
	"context"
	"iter"
)

// A Tx reads and writes the keyed records of one projection inside one
// transaction. Keys and values it returns are valid only until the transaction
// ends; copy what outlives it.
type Tx interface {
	// Get returns nil when there is no record.
	Get(key []byte) []byte
	Put(key, value []byte) error
	Delete(key []byte) error
	// Scan yields the records whose key begins with prefix, in key order.
	// The loop body must not write.
	Scan(prefix []byte) iter.Seq2[[]byte, []byte]
	// ScanAfter is Scan from the first key greater than after.
	ScanAfter(prefix, after []byte) iter.Seq2[[]byte, []byte]
}

// A Projection is a keyed table with the position up to which it has folded
// the stream; both change in one transaction, so a fold is exactly-once over a
// crash. Package store has the durable one, package stream one in memory.
// Safe for concurrent use.
type Projection interface {
	// Cursor is the position of the last event folded, zero at the beginning.
	Cursor() Position
	// View runs fn on a consistent state. Writes in it fail.
	View(fn func(Tx) error) error
	// Update runs fn and makes its writes durable, all or none, leaving the
	// cursor alone: for records that are not folded from the stream. fn may
	// run more than once.
	Update(ctx context.Context, fn func(Tx) error) error
	// Advance is Update that also sets the cursor.
	Advance(ctx context.Context, to Position, fn func(Tx) error) error
}
