package projector

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/parley-analytics/parley/schema"
)

// Origin tells the log that a position counts in from any other log.
type Origin struct {
	Log      string // identity of the log; empty if unknown
	Checksum uint32 // of the entry at the position; 0 if unknown
}

// Identified is a [Log] that can be told from other logs.
//
// Identity is the same in every copy of a log, and in no other one. Get returns the entry of a
// sequence, or [schema.ErrNotFound] if it was discarded or is damaged.
type Identified interface {
	Identity() string
	Get(ctx context.Context, sequence schema.Sequence) (schema.Entry, error)
}

// ReplacedError reports that the log is not the one that the tables were made from: it was
// truncated, or replaced by an older copy or another log. Nothing is projected from it: the tables
// would skip its entries up to their position.
type ReplacedError struct {
	Log    string
	Reason string
}

// Error names the log and the difference.
func (e *ReplacedError) Error() string {
	return fmt.Sprintf("the %s log was replaced: %s; put the right log back, or run `parley log restore` or `parley log adopt`", e.Log, e.Reason)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of an [Origin].
func checksum(payload []byte) uint32 { return crc32.Checksum(payload, castagnoli) }

// originOf returns the origin of a batch.
func (l *loop) originOf(in *intake) Origin {
	if log, can := l.gatherer.log.(Identified); can {
		return Origin{log.Identity(), in.checksum}
	}
	return Origin{}
}

// recognise fails with a [*ReplacedError] if the tables were made from another log.
func (l *loop) recognise(ctx context.Context, position, held, last schema.Sequence) error {
	l.origin = Origin{}
	if held > last {
		return &ReplacedError{l.name, fmt.Sprintf("the tables hold sequences up to %d, but it ends at %d", held, last)}
	}
	log, can := l.gatherer.log.(Identified)
	if !can || position == 0 {
		return nil
	}
	origin, err := l.sink.Origin(ctx, l.name)
	if err != nil {
		return fmt.Errorf("read the origin of the position: %w", err)
	}
	l.origin = origin
	if identity := log.Identity(); origin.Log != "" && identity != "" && origin.Log != identity {
		return &ReplacedError{l.name, fmt.Sprintf("the tables were made from another log, up to sequence %d", position)}
	}
	if origin.Checksum == 0 {
		return nil
	}
	entry, err := log.Get(ctx, position)
	switch {
	case errors.Is(err, schema.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read the entry at the position: %w", err)
	case checksum(entry.Payload) != origin.Checksum:
		return &ReplacedError{l.name, fmt.Sprintf("at sequence %d it has another entry than the one the tables were made from", position)}
	}
	return nil
}
