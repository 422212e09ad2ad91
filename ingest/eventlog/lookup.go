package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// stored reads one record from the stream, or the first from there on; [ErrNotFound] if there is none,
// or if the bytes of the one have changed on disk.
func (s *Stream) stored(ctx context.Context, number record.Number, following bool) (delivered, error) {
	if err := s.renumber(ctx); err != nil {
		return delivered{}, err
	}
	w := which{Sequence: uint64(number)}
	if following {
		w.Next = ">"
	}
	m, err := s.broker.message(ctx, s.name, w)
	if err != nil {
		return delivered{}, err
	}
	if altered(m.Header, m.Data) && !following {
		return delivered{}, fmt.Errorf("%w: %w", ErrNotFound, s.damageOf([]run{{number, number}}))
	}
	return delivered{record.Number(m.Sequence), m.Time, m.Header, m.Data}, nil
}

// first returns the first record that holds events, or of which events are left.
func (s *Stream) first(ctx context.Context, info *streamInfo) (record.Number, error) {
	first := max(record.Number(info.State.FirstSeq), 1)
	before := run{1, first - 1}
	if _, err := s.ledger.missing(ctx, before); err != nil {
		return first, err
	}
	left, err := s.rewritten(ctx, before)
	if err != nil || left == nil {
		return first, err
	}
	return left.number, nil
}

// entries returns the events of a record. They share its memory.
func (s *Stream) entries(m delivered) []schema.Entry {
	n := s.numbering()
	var events [][]byte
	if m.number > n.Singles {
		events, _ = s.broker.codec.Decode(m.header, m.data)
	}
	if events == nil { // a record of one, from any publisher
		events = [][]byte{structuredOf(m.header, m.data)}
	}
	entries := make([]schema.Entry, len(events))
	for i, event := range events {
		at := n.Sequence(m.number, i)
		entries[i] = schema.Entry{Sequence: at, Through: at, ReceivedAt: m.at, Payload: event}
	}
	entries[len(entries)-1].Through = n.Last(m.number)
	return entries
}

// headEntry stands for all events of a record of which only the headers were read.
func (s *Stream) headEntry(m delivered) []schema.Entry {
	n := s.numbering()
	return []schema.Entry{{Sequence: n.Sequence(m.number, 0), Through: n.Last(m.number), ReceivedAt: m.at}}
}

// Get reads one event; [ErrNotFound] if there is none.
func (s *Stream) Get(ctx context.Context, sequence schema.Sequence) (schema.Entry, error) {
	if sequence == 0 {
		return schema.Entry{}, ErrNotFound
	}
	entry, _, err := s.next(ctx, sequence-1)
	if err == nil && entry.Sequence != sequence {
		return schema.Entry{}, ErrNotFound
	}
	return entry, err
}

// Record reads the record to which a sequence belongs: the first sequence that its events may have,
// and those that are left.
func (s *Stream) Record(ctx context.Context, sequence schema.Sequence) (first schema.Sequence, events []schema.Entry, err error) {
	number, _ := s.numbering().Record(sequence)
	first = s.numbering().Sequence(number, 0)
	m, err := s.stored(ctx, number, false)
	if err == nil {
		return first, s.entries(m), nil
	}
	if !errors.Is(err, ErrNotFound) {
		return first, nil, err
	}
	left, err := s.remainsOf(ctx, number)
	if err != nil || left == nil {
		return first, nil, err
	}
	return first, left.entries, nil
}

// Next returns the first event after a sequence; [ErrNotFound] if there is none.
func (s *Stream) Next(ctx context.Context, after schema.Sequence) (schema.Entry, error) {
	entry, _, err := s.next(ctx, after)
	if err == nil && entry.Sequence == 0 {
		err = ErrNotFound
	}
	return entry, err
}

// next returns the first event after a sequence, the zero entry if there is none, and what is lost
// between them.
func (s *Stream) next(ctx context.Context, after schema.Sequence) (entry schema.Entry, lost []run, err error) {
	last, err := s.last(ctx) // first, so that records appended meanwhile are found
	if err != nil {
		return entry, nil, err
	}
	for from := s.numbering().After(after); ; {
		m, err := s.stored(ctx, from, true)
		found := err == nil
		if err != nil && !errors.Is(err, ErrNotFound) {
			return entry, nil, err
		}
		gap := run{from, last}
		if found {
			gap.to = m.number - 1
		}
		if gap.from <= gap.to {
			missing, err := s.explain(ctx, gap)
			if err != nil {
				return entry, nil, err
			}
			entry, err := s.nextRemaining(ctx, gap, after)
			if err != nil {
				return entry, nil, err
			}
			if entry.Sequence > 0 {
				number, _ := s.numbering().Record(entry.Sequence)
				missing = slices.DeleteFunc(missing, func(r run) bool { return r.from > number })
				return entry, append(lost, missing...), nil
			}
			lost = append(lost, missing...)
		}
		if !found {
			return entry, lost, nil
		}
		if entry := firstAfter(s.entries(m), after); entry.Sequence > 0 {
			return entry, lost, nil
		}
		from = m.number + 1
	}
}

// nextRemaining returns the first event after a sequence that is left of the records of a gap, the
// zero entry if there is none.
func (s *Stream) nextRemaining(ctx context.Context, gap run, after schema.Sequence) (schema.Entry, error) {
	for gap.from <= gap.to {
		left, err := s.rewritten(ctx, gap)
		if err != nil || left == nil {
			return schema.Entry{}, err
		}
		if entry := firstAfter(left.entries, after); entry.Sequence > 0 {
			return entry, nil
		}
		gap.from = left.number + 1
	}
	return schema.Entry{}, nil
}

func firstAfter(entries []schema.Entry, after schema.Sequence) schema.Entry {
	for _, e := range entries {
		if e.Sequence > after {
			return e
		}
	}
	return schema.Entry{}
}
