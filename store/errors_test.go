package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	bolterrors "go.etcd.io/bbolt/errors"
)

func TestExplain(t *testing.T) {
	for in, want := range map[error]error{
		bolterrors.ErrTimeout:  ErrInUse,
		bolterrors.ErrChecksum: ErrCorrupt,
		&os.PathError{Op: "write", Path: "node.db", Err: syscall.ENOSPC}: ErrFull,
		fmt.Errorf("commit: %w", syscall.EDQUOT):                         ErrFull,
		bolterrors.ErrDatabaseNotOpen:                                    ErrClosed,
		ErrConflict:                                                      ErrConflict,
	} {
		if got := explain(in); !errors.Is(got, want) {
			t.Errorf("explain(%v) = %v, want %v", in, got, want)
		}
	}
}
