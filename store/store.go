// Package store is the file of a node: the append-only stream of its events
// and the projections folded from it, in one bbolt database.
//
// The stream has an epoch, a ULID made when the file is created, and numbers
// its events from 1 without gaps. A projection is a bucket and a cursor that
// change in one transaction. Concurrent writers share one transaction and one
// fsync (group commit, in commit.go). Store knows nothing of SIP, queues or
// tickets; it owns no goroutine. Retention is the caller's: see Trim.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	bolt "go.etcd.io/bbolt"

	"github.com/lineaamica/la2/cti"
)

// Errors of Open and of writes; test with errors.Is.
var (
	// ErrInUse is a file that another process has open.
	ErrInUse = errors.New("file in use by another process")
	// ErrCorrupt is a file that is no store, or a damaged one.
	ErrCorrupt = errors.New("file is damaged or not a store")
	// ErrFull is a disk without room; the file keeps its last state.
	ErrFull = errors.New("no space left on the disk")
	// ErrConflict is an append whose sequence number is not the next one:
	// another writer was faster.
	ErrConflict = errors.New("sequence conflict")
	// ErrTooOld is a read before the first event kept.
	ErrTooOld = errors.New("events no longer kept")
	// ErrClosed is a use after Close.
	ErrClosed = errors.New("closed")
)

const format = "la2-store-1"

var (
	bucketMeta        = []byte("meta")
	bucketStream      = []byte("stream")
	bucketProjections = []byte("projections")
	bucketCursors     = []byte("cursors")
	keyFormat         = []byte("format")
	keyEpoch          = []byte("epoch")
)

// Options of Open; the zero value works.
type Options struct {
	// Wait is how long Open waits for another process to let go of the file.
	// Default 1s.
	Wait time.Duration
	// NoSync leaves out fsync: for tests and benches, never for calls.
	NoSync bool
}

// A Store is an open file. Safe for concurrent use.
type Store struct {
	db    *bolt.DB
	path  string
	epoch string

	turn chan struct{} // holds one token while a batch is being written

	mu      sync.Mutex // guards what follows
	pending []*write
	first   uint64 // first event kept; last+1 when none is
	last    uint64
	cursors map[string]cti.Position
	closed  bool
}

// Open opens the store at path, creating it when absent. The file is locked
// against other processes until Close. Errors: ErrInUse, ErrCorrupt, ErrFull,
// and those of the file system.
func Open(path string, o Options) (*Store, error) {
	if o.Wait <= 0 {
		o.Wait = time.Second
	}
	s := &Store{path: path, turn: make(chan struct{}, 1), cursors: map[string]cti.Position{}}
	if err := guarded(func() error { return s.open(o) }); err != nil {
		return nil, fmt.Errorf("store: open: %s: %w", path, explain(err))
	}
	return s, nil
}

func (s *Store) open(o Options) (err error) {
	created := missingOrEmpty(s.path)
	s.db, err = bolt.Open(s.path, 0o600, &bolt.Options{Timeout: o.Wait, NoSync: o.NoSync, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	if err = s.load(); err != nil {
		s.db.Close()
		return err
	}
	if created {
		return syncDir(s.path)
	}
	return nil
}

func missingOrEmpty(path string) bool {
	fi, err := os.Stat(path)
	return err != nil || fi.Size() == 0
}

// load makes the buckets of a new file and reads bounds and cursors.
func (s *Store) load() error {
	fresh := false
	err := s.db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			fresh = true
			return nil
		}
		return s.readState(tx, meta)
	})
	if err != nil || !fresh {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketStream, bucketProjections, bucketCursors} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		if err := meta.Put(keyFormat, []byte(format)); err != nil {
			return err
		}
		if err := meta.Put(keyEpoch, []byte(ulid.Make().String())); err != nil {
			return err
		}
		return s.readState(tx, meta)
	})
}

func (s *Store) readState(tx *bolt.Tx, meta *bolt.Bucket) error {
	if got := string(meta.Get(keyFormat)); got != format {
		return fmt.Errorf("format %q, want %q: %w", got, format, ErrCorrupt)
	}
	s.epoch = string(meta.Get(keyEpoch))
	stream, cursors := tx.Bucket(bucketStream), tx.Bucket(bucketCursors)
	if _, err := ulid.ParseStrict(s.epoch); err != nil || stream == nil || cursors == nil || tx.Bucket(bucketProjections) == nil {
		return fmt.Errorf("epoch %q: %w", s.epoch, ErrCorrupt)
	}
	s.last = stream.Sequence()
	s.first = s.last + 1
	if k, _ := stream.Cursor().First(); k != nil {
		s.first = seqOf(k)
	}
	return cursors.ForEach(func(k, v []byte) error {
		p, err := cti.ParsePosition(string(v))
		if err != nil {
			return fmt.Errorf("cursor %q: %w", k, ErrCorrupt)
		}
		s.cursors[string(k)] = p
		return nil
	})
}

// Path is the file's name.
func (s *Store) Path() string { return s.path }

// Epoch is the ULID of this stream's life; it never changes for a file.
func (s *Store) Epoch() string { return s.epoch }

// Bounds are the numbers of the first and the last event kept; first is last+1
// when there is none.
func (s *Store) Bounds() (first, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first, s.last
}

// Size is the length of the file in bytes.
func (s *Store) Size() int64 {
	fi, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// Healthy tells whether the store can write: it commits an empty transaction.
func (s *Store) Healthy(ctx context.Context) error {
	return s.update(ctx, "check", func(*bolt.Tx) error { return nil }, nil)
}

// Close waits for the batch being written and unlocks the file. Writes that
// still wait get ErrClosed.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	waiting := s.pending
	s.pending = nil
	s.mu.Unlock()
	for _, w := range waiting {
		w.finish(ErrClosed)
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}
