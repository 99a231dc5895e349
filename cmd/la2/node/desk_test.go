package node

import (
	"errors"
	"testing"

	"github.com/lineaamica/la2/cti"
	"github.com/lineaamica/la2/cti/server"
	"github.com/lineaamica/la2/cti/stream"
	"github.com/lineaamica/la2/store"
)

// A node whose journal does not write takes no call to an agent: it is not ready.
func TestNotReadyWithoutAJournal(t *testing.T) {
	s, err := store.Open(t.TempDir()+"/node.db", store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	journal := stream.NewMemory()
	log, err := stream.New(stream.Config{Site: "formezpa"}, journal)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n := &Node{store: s, stream: log}
	if err := n.journalReady(t.Context()); err != nil {
		t.Errorf("a good journal: %v", err)
	}
	journal.Break(store.ErrFull)
	log.Publish(cti.Event{Type: cti.EvStage})
	_ = log.Sync(t.Context()) // returns when the write has failed
	if err := n.journalReady(t.Context()); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v", err)
	}
	journal.Break(nil)
}

// A disk that is full is nobody's fault that waits at a desktop: try again.
func TestTicketErrorsOfAFullDisk(t *testing.T) {
	for _, err := range []error{store.ErrFull, stream.ErrDegraded, stream.ErrClosed} {
		if got := ticketErr(errors.Join(err)); !errors.Is(got, server.ErrUnavailable) {
			t.Errorf("%v: %v", err, got)
		}
	}
}
