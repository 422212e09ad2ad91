package eventlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"sync"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
)

// ledgerBucket is the bucket that records intended deletions from streams.
const ledgerBucket = "PARLEY_LEDGER"

const (
	pageBits  = 16
	pageSize  = 1 << pageBits // records of one page
	pageBytes = pageSize / 8
	// manyPages is the number from which all pages are read at once.
	manyPages = 16
)

// ledger records facts about a stream outside of the stream, so that damage can be distinguished
// from intended deletions:
//
//	STREAM.reached  the highest record that was acknowledged, within a moment
//	STREAM.dropped  everything below was dropped by DropBefore
//	STREAM.gone.N   which of the records N·65536 … were erased, rewritten or given up
//	STREAM.singles  up to here, an earlier version wrote single events: see numbering.go
//
// It is written before a message is deleted: a superfluous entry does no harm.
type ledger struct {
	broker *Broker
	stream string

	mu      sync.Mutex
	bucket  *Bucket
	pages   map[uint64]*page
	dropped record.Number
	reached record.Number // as far as noted
}

// page is a set of records, relative to its beginning.
type page [pageSize / 64]uint64

func (p *page) has(i uint64) bool { return p[i/64]&(1<<(i%64)) != 0 }
func (p *page) add(i uint64)      { p[i/64] |= 1 << (i % 64) }
func (p *page) count() (n int) {
	for _, word := range p {
		n += bits.OnesCount64(word)
	}
	return n
}

// encode writes few records one by one, and many as the whole set.
func (p *page) encode() []byte {
	var list []byte
	for i := uint64(0); i < pageSize && len(list) < pageBytes; i++ {
		if p.has(i) {
			list = binary.BigEndian.AppendUint16(list, uint16(i))
		}
	}
	if len(list) < pageBytes {
		return list
	}
	set := make([]byte, 0, pageBytes)
	for _, word := range p {
		set = binary.BigEndian.AppendUint64(set, word)
	}
	return set
}

func decodePage(value []byte) *page {
	p := new(page)
	if len(value) == pageBytes {
		for i := range p {
			p[i] = binary.BigEndian.Uint64(value[8*i:])
		}
		return p
	}
	for ; len(value) >= 2; value = value[2:] {
		p.add(uint64(binary.BigEndian.Uint16(value)))
	}
	return p
}

// run is a run of records, both ends included.
type run struct{ from, to record.Number }

// open returns the bucket, which is made when it is missing.
func (l *ledger) open(ctx context.Context) (*Bucket, error) {
	if l.bucket == nil {
		bucket, err := l.broker.Bucket(ctx, ledgerBucket, BucketConfig{
			Description: "What of the logs is gone on purpose", MaxValueBytes: 2 * pageBytes,
		})
		if err != nil {
			return nil, err
		}
		l.bucket = bucket
	}
	return l.bucket, nil
}

// change rewrites a value: see [Bucket.Update].
func (l *ledger) change(ctx context.Context, key string, do func(before []byte) []byte) error {
	bucket, err := l.open(ctx)
	if err != nil {
		return err
	}
	err = bucket.Update(ctx, l.stream+"."+key, func(before []byte) ([]byte, error) { return do(before), nil })
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

// raise records a number that only grows, and returns the highest recorded one.
func (l *ledger) raise(ctx context.Context, key string, to record.Number) (record.Number, error) {
	highest := to
	err := l.change(ctx, key, func(before []byte) []byte {
		stored, _ := strconv.ParseUint(string(before), 10, 64) // a missing value reads as 0
		if highest = max(to, record.Number(stored)); highest == record.Number(stored) {
			return nil
		}
		return strconv.AppendUint(nil, uint64(to), 10)
	})
	return highest, err
}

// reach records that everything up to a record was acknowledged, and returns the highest recorded one.
func (l *ledger) reach(ctx context.Context, number record.Number) (record.Number, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number <= l.reached {
		return l.reached, nil
	}
	noted, err := l.raise(ctx, "reached", number)
	if err == nil {
		l.reached = noted
	}
	return l.reached, err
}

// drop records that everything below a record is dropped.
func (l *ledger) drop(ctx context.Context, below record.Number) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	noted, err := l.raise(ctx, "dropped", below)
	if err == nil {
		l.dropped = noted
	}
	return err
}

// note records that a run was deleted on purpose.
func (l *ledger) note(ctx context.Context, gone run) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for number := uint64(gone.from) >> pageBits; number <= uint64(gone.to)>>pageBits; number++ {
		var noted *page
		err := l.change(ctx, "gone."+strconv.FormatUint(number, 10), func(before []byte) []byte {
			noted = decodePage(before)
			begin := number << pageBits
			for at := max(begin, uint64(gone.from)); at <= min(uint64(gone.to), begin+pageSize-1); at++ {
				noted.add(at - begin)
			}
			return noted.encode()
		})
		if err != nil {
			return err
		}
		l.pages[number] = noted
	}
	return nil
}

// load reads what others have recorded since: the pages of a run, or all.
func (l *ledger) load(ctx context.Context, of run) error {
	bucket, err := l.open(ctx)
	if err != nil {
		return err
	}
	for key, into := range map[string]*record.Number{"reached": &l.reached, "dropped": &l.dropped} {
		value, err := bucket.Get(ctx, l.stream+"."+key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("ledger: %w", err)
		}
		stored, _ := strconv.ParseUint(string(value), 10, 64) // a missing value reads as 0
		*into = record.Number(stored)
	}
	first, last := uint64(of.from)>>pageBits, uint64(of.to)>>pageBits
	if last-first >= manyPages {
		pages, err := bucket.List(ctx, l.stream+".gone.")
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		clear(l.pages)
		for key, value := range pages {
			if number, err := strconv.ParseUint(key[len(l.stream+".gone."):], 10, 64); err == nil {
				l.pages[number] = decodePage(value)
			}
		}
		return nil
	}
	for number := first; number <= last; number++ {
		value, err := bucket.Get(ctx, l.stream+".gone."+strconv.FormatUint(number, 10))
		if errors.Is(err, ErrNotFound) {
			delete(l.pages, number)
			continue
		}
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		l.pages[number] = decodePage(value)
	}
	return nil
}

// count returns how many of a run are recorded as erased or given up.
func (l *ledger) count(ctx context.Context, of run) (n uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx, of); err != nil {
		return 0, err
	}
	for number, p := range l.pages {
		begin, end := number<<pageBits, number<<pageBits+pageSize-1
		if begin >= uint64(of.from) && end <= uint64(of.to) {
			n += uint64(p.count())
			continue
		}
		for at := max(begin, uint64(of.from)); at <= min(end, uint64(of.to)); at++ {
			if p.has(at - begin) {
				n++
			}
		}
	}
	return n, nil
}

// missing returns the records of a run that were not deleted on purpose. It reads what others
// have recorded if something seems to be missing.
func (l *ledger) missing(ctx context.Context, of run) ([]run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.lacking(of); len(found) == 0 {
		return nil, nil
	}
	if err := l.load(ctx, of); err != nil {
		return nil, err
	}
	return l.lacking(of), nil
}

func (l *ledger) lacking(of run) (found []run) {
	at, end := max(of.from, l.dropped), of.to
	for at <= end {
		number := uint64(at) >> pageBits
		p, next := l.pages[number], record.Number((number+1)<<pageBits)
		if p == nil {
			found = extend(found, run{at, min(end, next-1)})
			at = next
			continue
		}
		for ; at <= end && at < next; at++ {
			if !p.has(uint64(at) % pageSize) {
				found = extend(found, run{at, at})
			}
		}
	}
	return found
}

// extend appends a run to others.
func extend(ranges []run, r run) []run {
	if n := len(ranges); n > 0 && ranges[n-1].to+1 >= r.from {
		ranges[n-1].to = max(ranges[n-1].to, r.to)
		return ranges
	}
	return append(ranges, r)
}

// gone returns the records of a run that were not dropped, and are recorded as erased, rewritten or
// given up. It knows all of them if none of the run was missing: see missing.
func (l *ledger) gone(of run) (numbers []record.Number) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := max(of.from, l.dropped); at <= of.to; at++ {
		p, i := l.pages[uint64(at)>>pageBits], uint64(at)%pageSize
		if p == nil {
			at += record.Number(pageSize - 1 - i)
		} else if p.has(i) {
			numbers = append(numbers, at)
		}
	}
	return numbers
}

// kept returns the first record of a run that was not deleted on purpose, the one after the run if
// all were.
func (l *ledger) kept(ctx context.Context, of run) (record.Number, error) {
	missing, err := l.missing(ctx, of)
	if err != nil || len(missing) == 0 {
		return of.to + 1, err
	}
	return missing[0].from, nil
}

// begin returns the last record that an earlier version wrote. The first call that may write decides:
// it is the last record that is known to have been given out.
func (l *ledger) begin(ctx context.Context, last record.Number, observe bool) (singles record.Number, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(ctx, run{}); err != nil {
		return 0, err
	}
	last = max(last, l.reached)
	if observe {
		bucket, err := l.open(ctx)
		if err != nil {
			return 0, err
		}
		value, err := bucket.Get(ctx, l.stream+".singles")
		if errors.Is(err, ErrNotFound) {
			return unmigrated, nil
		}
		if err != nil {
			return 0, fmt.Errorf("ledger: %w", err)
		}
		stored, err := strconv.ParseUint(string(value), 10, 64)
		return record.Number(stored), err
	}
	err = l.change(ctx, "singles", func(before []byte) []byte {
		if stored, err := strconv.ParseUint(string(before), 10, 64); err == nil {
			singles = record.Number(stored)
			return nil
		}
		singles = last
		return strconv.AppendUint(nil, uint64(last), 10)
	})
	return singles, err
}
