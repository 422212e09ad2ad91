package eventlog

import (
	"context"
	"errors"
	"math"
	"strconv"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
)

// singlesKey is the name, in a stream's metadata, of [record.Numbering.Singles].
const singlesKey = "parley.singles"

// unmigrated is the numbering of a stream that an earlier version has made and that only readers
// have opened since: all its messages are single events.
const unmigrated = math.MaxUint64

// numbering is how the stream's records give their events sequences.
func (s *Stream) numbering() record.Numbering {
	return record.Numbering{Singles: record.Number(s.singles.Load())}
}

// number reads the numbering from a stream's metadata, or, if it is not there, from the ledger. The
// first process that opens a new stream, or one that an earlier version has made, decides in the
// ledger where records begin: above all sequences that were given out.
func (s *Stream) number(ctx context.Context, metadata map[string]string, last record.Number) error {
	if written, ok := metadata[singlesKey]; ok {
		singles, err := strconv.ParseUint(written, 10, 64)
		if err != nil {
			return errors.New("the metadata " + singlesKey + " of the stream must be a number")
		}
		s.singles.Store(singles)
		return nil
	}
	noted, err := s.broker.notes.of(s.name)
	if err != nil {
		return err
	}
	if id := metadata[identityKey]; id != "" && id == noted.Log { // this may be an older copy
		last = max(last, noted.Reached)
	}
	singles, err := s.ledger.begin(ctx, last, s.broker.options.Observe)
	if err == nil {
		s.singles.Store(uint64(singles))
	}
	return err
}

// renumber looks whether another process has migrated the stream.
func (s *Stream) renumber(ctx context.Context) error {
	if s.singles.Load() != unmigrated {
		return nil
	}
	info, err := s.info(ctx, false)
	if err != nil {
		return err
	}
	return s.number(ctx, info.Config.Metadata, record.Number(info.State.LastSeq))
}
