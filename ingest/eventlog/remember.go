package eventlog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
)

const (
	// rememberRecords is how many records [Stream.Remember] reads first, for their events: beginning
	// at the end, it reads twice as many each time.
	rememberRecords = RememberedIDs / record.MaxEvents
	// learnRecords bounds how many records are searched for those whose answer was lost.
	learnRecords = 1 << 16
)

// Remember reads the last events of the stream, so that duplicates of events stored by another
// process, or by this one before a restart, are recognised. It may run concurrently with appends.
// count is at most [RememberedIDs].
func (s *Stream) Remember(ctx context.Context, count int) error {
	last, err := s.last(ctx)
	if err != nil {
		return fmt.Errorf("remember %s: %w", s.name, err)
	}
	read, span := 0, record.Number(rememberRecords)
	for to := last; to > 0 && read < min(count, RememberedIDs); span *= 2 {
		above := to - min(to, span)
		n, err := s.readIDs(ctx, above, to, nil)
		if err != nil {
			return fmt.Errorf("remember %s: %w", s.name, err)
		}
		read, to = read+n, above
	}
	return nil
}

// learn remembers the ids of the events stored above a record, and returns those of the records.
func (s *Stream) learn(ctx context.Context, above record.Number) (map[string]record.Number, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	last, err := s.last(ctx)
	if err != nil || last <= above {
		return nil, err
	}
	if last > above+learnRecords {
		above = last - learnRecords
	}
	ids := make(map[string]record.Number)
	_, err = s.readIDs(ctx, above, last, ids)
	return ids, err
}

// catchUp returns when the server has processed everything that was sent before. It sends a message
// under a condition that cannot hold: it is refused in its turn.
func (s *Stream) catchUp(ctx context.Context) error {
	m := nats.NewMsg(s.subject)
	m.Header.Set(nats.ExpectedLastSeqHdr, strconv.FormatInt(math.MaxInt64, 10))
	_, err := s.commit(ctx, m)
	var refused *apiError
	if errors.As(err, &refused) && (refused.Code == codeWrongLastSeq || refused.Code == codeWrongLastSeqTwo) {
		return nil
	}
	return fmt.Errorf("%w: the server has not refused a message in time", ErrUnavailable) // not ErrUnknownOutcome: it is nobody's
}

// readIDs remembers the ids of the events in the records above one, up to another one, counts them,
// and notes the ids of the records.
func (s *Stream) readIDs(ctx context.Context, above, last record.Number, records map[string]record.Number) (count int, err error) {
	r := s.NewReader()
	r.tolerant, r.records = true, records
	defer r.Close()
	end := s.numbering().Last(last)
	for after := s.numbering().Last(above); after < end; {
		entries, err := r.Read(ctx, after, 1000, heartbeat)
		if err != nil {
			return count, err
		}
		if len(entries) == 0 { // the last ones may be erased
			next, err := s.Next(ctx, after)
			if errors.Is(err, ErrNotFound) || err == nil && next.Sequence > end {
				return count, nil
			}
			if err != nil {
				return count, err
			}
		}
		for _, e := range entries {
			if after = e.Through; e.Sequence <= end {
				s.recent.add(s.identify(e), e.Sequence)
				count++
			}
		}
	}
	return count, nil
}
