package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// rewrittenBucket holds what is left of records after an erasure, under STREAM.NUMBER: a message of
// a stream cannot be changed. Its values are overwritten on disk when they are replaced.
const rewrittenBucket = "PARLEY_REWRITTEN"

// remains is what is left of a record.
type remains struct {
	number  record.Number
	entries []schema.Entry
}

func (s *Stream) rewrittenKey(number record.Number) string {
	return s.name + "." + strconv.FormatUint(uint64(number), 10)
}

// openRewritten opens the bucket, which is made when it is missing.
func (s *Stream) openRewritten(ctx context.Context) (*Bucket, error) {
	s.rewrittenMu.Lock()
	defer s.rewrittenMu.Unlock()
	if s.rewrites == nil {
		bucket, err := s.broker.Bucket(ctx, rewrittenBucket, BucketConfig{
			Description: "Records of the logs from which events were erased", Overwrite: true,
		})
		if err != nil {
			return nil, err
		}
		s.rewrites = bucket
	}
	return s.rewrites, nil
}

// rewritten returns the first record of a run of missing ones of which events are left, nil if there
// is none. The run was held against the ledger before.
func (s *Stream) rewritten(ctx context.Context, of run) (*remains, error) {
	if of.to <= s.numbering().Singles {
		return nil, nil // they are deleted as a whole
	}
	of.from = max(of.from, s.numbering().Singles+1)
	for _, number := range s.ledger.gone(of) {
		left, err := s.remainsOf(ctx, number)
		if err != nil || left != nil {
			return left, err
		}
	}
	return nil, nil
}

// remainsOf returns what is left of a record that was rewritten, nil if it was not, or nothing is.
func (s *Stream) remainsOf(ctx context.Context, number record.Number) (*remains, error) {
	bucket, err := s.openRewritten(ctx)
	if err != nil {
		return nil, err
	}
	value, err := bucket.Get(ctx, s.rewrittenKey(number))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rewritten record %d: %w", number, err)
	}
	stored, err := s.broker.codec.DecodeRewritten(value)
	if err != nil {
		return nil, fmt.Errorf("rewritten record %d: %w", number, err)
	}
	left := &remains{number: number, entries: make([]schema.Entry, len(stored.Events))}
	for i, event := range stored.Events {
		at := s.numbering().Sequence(number, stored.Indexes[i])
		left.entries[i] = schema.Entry{Sequence: at, Through: at, ReceivedAt: stored.ReceivedAt, Payload: event}
	}
	left.entries[len(left.entries)-1].Through = s.numbering().Last(number)
	return left, nil
}

// Erase removes events, and overwrites their bytes on disk with random ones. A record that holds
// others too is rewritten: they keep their sequences. The records are processed in the order in which
// they come last in the list. Missing events are not an error.
func (s *Stream) Erase(ctx context.Context, sequences ...schema.Sequence) error {
	byRecord := make(map[record.Number][]schema.Sequence)
	var order []record.Number
	for _, sequence := range slices.Backward(sequences) {
		number, _ := s.numbering().Record(sequence)
		if byRecord[number] == nil {
			order = append(order, number)
		}
		byRecord[number] = append(byRecord[number], sequence)
	}
	for _, number := range slices.Backward(order) {
		if err := s.eraseIn(ctx, number, byRecord[number]); err != nil {
			return err
		}
	}
	return nil
}

// eraseIn removes events of one record. What is left is stored before the record is deleted: an
// interrupted erasure can be repeated.
func (s *Stream) eraseIn(ctx context.Context, number record.Number, gone []schema.Sequence) error {
	left, err := s.remainsOf(ctx, number)
	if err != nil {
		return err
	}
	if left == nil {
		m, err := s.stored(ctx, number, false)
		var damage *DamageError
		if errors.Is(err, ErrNotFound) && !errors.As(err, &damage) {
			return nil // the erasure that has deleted it has noted that; if it is lost, it stays so
		}
		if err != nil {
			return err
		}
		left = &remains{number: number, entries: s.entries(m)}
	}
	left.entries = slices.DeleteFunc(left.entries, func(e schema.Entry) bool { return slices.Contains(gone, e.Sequence) })
	if err := s.keepRemains(ctx, left); err != nil {
		return err
	}
	if err := s.ledger.note(ctx, run{number, number}); err != nil {
		return err
	}
	return s.delete(ctx, number)
}

// keepRemains stores what is left of a record; nothing is stored if that is nothing.
func (s *Stream) keepRemains(ctx context.Context, left *remains) error {
	if len(left.entries) == 0 && left.number <= s.numbering().Singles {
		return nil
	}
	bucket, err := s.openRewritten(ctx)
	if err != nil {
		return err
	}
	key := s.rewrittenKey(left.number)
	if len(left.entries) == 0 {
		return bucket.Forget(ctx, key)
	}
	rewritten := &record.Rewritten{ReceivedAt: left.entries[0].ReceivedAt}
	for _, e := range left.entries {
		_, index := s.numbering().Record(e.Sequence)
		rewritten.Indexes = append(rewritten.Indexes, index)
		rewritten.Events = append(rewritten.Events, e.Payload)
	}
	value, err := s.broker.codec.EncodeRewritten(rewritten)
	if err != nil {
		return err
	}
	return bucket.Update(ctx, key, func([]byte) ([]byte, error) { return value, nil })
}

// dropRemains removes what is left of records below one.
func (s *Stream) dropRemains(ctx context.Context, below record.Number) error {
	bucket, err := s.openRewritten(ctx)
	if err != nil {
		return err
	}
	keys, err := bucket.Keys(ctx, s.name+".")
	if err != nil {
		return err
	}
	for _, key := range keys {
		number, err := strconv.ParseUint(key[len(s.name)+1:], 10, 64)
		if err == nil && record.Number(number) < below {
			if err := bucket.Forget(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}
