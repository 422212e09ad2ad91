package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

const (
	// headerFiller marks a message that only takes the place of a lost record.
	headerFiller = "Parley-Lost"
	// mostFillers is the longest end of a log that is filled up at a start.
	mostFillers = 100_000
	// noteEvery is how often the last record is noted, auditEvery how often the stream is
	// compared with the ledger.
	noteEvery  = 250 * time.Millisecond
	auditEvery = 2 * time.Second
	// scrubEvery is how often a whole stream is read; after each portion the scrub pauses scrubIdle
	// times as long as reading it took.
	scrubEvery = 24 * time.Hour
	scrubIdle  = 3
	// scrubAfter is the delay after a start, which reads enough by itself. No scrub starts either
	// while a reader reads catchingUp entries in a second.
	scrubAfter = 20 * time.Second
	catchingUp = 20_000
)

// Range is a run of sequences, both ends included.
type Range struct{ From, To schema.Sequence }

// String reads 7 or 7-9.
func (r Range) String() string {
	if r.From == r.To {
		return strconv.FormatUint(uint64(r.From), 10)
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

// DamageError reports that a stream has lost records: they were acknowledged, and not erased or
// dropped since. How many events a lost record held is unknown: Missing are the sequences that they
// may have had.
type DamageError struct {
	Stream  string
	Missing []Range
	Records uint64
}

// damageOf is the error for lost records.
func (s *Stream) damageOf(lost []run) *DamageError {
	e := &DamageError{Stream: s.name, Missing: s.ranges(lost)}
	for _, r := range lost {
		e.Records += uint64(r.to-r.from) + 1
	}
	return e
}

// ranges returns the sequences that the events of records may have.
func (s *Stream) ranges(of []run) []Range {
	all := make([]Range, len(of))
	for i, r := range of {
		all[i] = Range{s.numbering().Sequence(r.from, 0), s.numbering().Last(r.to)}
	}
	return all
}

// Error names the first of the lost sequences and the remedy.
func (e *DamageError) Error() string {
	names := make([]string, 0, 5)
	for i, r := range e.Missing {
		if i < 4 {
			names = append(names, r.String())
		} else if i == 4 {
			names = append(names, "…")
		}
	}
	return fmt.Sprintf("the log %s is damaged: %d records are lost, sequences %s; restore the log from a backup, or see `parley log`",
		e.Stream, e.Records, strings.Join(names, ", "))
}

// Damage compares the stream with the ledger and returns what is lost, or nil.
// Single records whose bytes have changed on disk are found only when they are
// read; those a [Reader] of this process has found are among them.
func (s *Stream) Damage(ctx context.Context) (*DamageError, error) {
	lost, err := s.audit(ctx)
	if err != nil || len(lost) == 0 {
		return nil, err
	}
	return s.damageOf(lost), nil
}

func (s *Stream) audit(ctx context.Context) ([]run, error) {
	info, err := s.info(ctx, false)
	if err != nil {
		return nil, err
	}
	st := info.State
	s.damageMu.Lock()
	suspects := slices.Clone(s.found)
	known := s.audited
	s.damageMu.Unlock()

	first, last := record.Number(st.FirstSeq), record.Number(st.LastSeq)
	now := audited{first: first, deleted: st.NumDeleted}
	if now.first != known.first || now.deleted != known.deleted {
		noted, err := s.ledger.count(ctx, run{first, last})
		if err != nil {
			return nil, err
		}
		if noted != st.NumDeleted {
			details, err := s.info(ctx, true)
			if err != nil {
				return nil, err
			}
			for _, gone := range details.State.Deleted {
				known.suspects = append(known.suspects, run{record.Number(gone), record.Number(gone)})
			}
			known.suspects = merged(known.suspects)
		}
	}
	suspects = append(suspects, known.suspects...)
	if first > 1 && info.Config.MaxAge == 0 {
		suspects = append(suspects, run{1, first - 1})
	}
	if st.Lost != nil {
		for _, lost := range st.Lost.Msgs {
			suspects = append(suspects, run{record.Number(lost), record.Number(lost)})
		}
	}
	s.ledger.mu.Lock()
	reached := s.ledger.reached
	s.ledger.mu.Unlock()
	if reached > last { // others may have appended since the stream was asked
		if info, err = s.info(ctx, false); err != nil {
			return nil, err
		}
		last = record.Number(info.State.LastSeq)
	}
	if reached > last {
		suspects = append(suspects, run{last + 1, reached})
	}

	var lost []run
	for _, r := range suspects {
		missing, err := s.ledger.missing(ctx, r)
		if err != nil {
			return nil, err
		}
		lost = append(lost, missing...)
	}
	lost = merged(lost)
	s.damageMu.Lock()
	defer s.damageMu.Unlock()
	// What is explained once stays so: only what is not is looked at again.
	now.suspects = lost
	s.audited = now
	s.setLost(lost)
	return lost, nil
}

// audited is what a stream looked like when it was held against the ledger.
type audited struct {
	first    record.Number
	deleted  uint64
	suspects []run // not explained then
}

// setLost stores the lost records, and logs them if they are new.
func (s *Stream) setLost(lost []run) {
	if len(lost) > 0 && !slices.Equal(lost, s.lost) {
		s.broker.log.Error("the log is damaged", "stream", s.name, "error", s.damageOf(lost))
	}
	s.lost = lost
}

func merged(ranges []run) []run {
	slices.SortFunc(ranges, func(a, b run) int { return cmp.Compare(a.from, b.from) })
	var all []run
	for _, r := range ranges {
		all = extend(all, r)
	}
	return all
}

// damaged returns what the last check found.
func (s *Stream) damaged() error {
	s.damageMu.Lock()
	defer s.damageMu.Unlock()
	if len(s.lost) == 0 {
		return nil
	}
	return s.damageOf(s.lost)
}

// explain returns which records of a gap are lost: the stream does not return them, although they
// were not deleted on purpose.
func (s *Stream) explain(ctx context.Context, gap run) (lost []run, err error) {
	missing, err := s.ledger.missing(ctx, gap)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	info, err := s.info(ctx, false)
	if err != nil {
		return nil, err
	}
	if info.Config.MaxAge > 0 { // records below the first have expired
		first := record.Number(info.State.FirstSeq)
		missing = slices.DeleteFunc(missing, func(r run) bool { return r.to < first })
		if len(missing) == 0 {
			return nil, nil
		}
		missing[0].from = max(missing[0].from, first)
	}
	s.damageMu.Lock()
	defer s.damageMu.Unlock()
	s.found = merged(append(s.found, missing...))
	s.setLost(merged(append(slices.Clone(s.lost), missing...)))
	return missing, nil
}

// GiveUp records that lost events cannot be recovered, or were appended again under other sequences:
// from now on readers skip them. The range must consist of whole records, as a [DamageError] names
// them: part of a lost record cannot be given up.
func (s *Stream) GiveUp(ctx context.Context, lost Range) error {
	if lost.From == 0 || lost.From > lost.To {
		return errors.New("give up: the range must begin at 1 or later and end where it begins, or later")
	}
	last, err := s.Last(ctx)
	if err != nil {
		return err
	}
	if lost.To > last {
		return fmt.Errorf("give up: the log ends at %d", last)
	}
	from, _ := s.numbering().Record(lost.From)
	to, _ := s.numbering().Record(lost.To)
	if whole := s.ranges([]run{{from, to}})[0]; whole != lost {
		return fmt.Errorf("give up: events are lost with their whole record: give up %s", whole)
	}
	return s.ledger.note(ctx, run{from, to})
}

// RecordNumber returns the number of the record to which a sequence belongs.
func (s *Stream) RecordNumber(sequence schema.Sequence) uint64 {
	number, _ := s.numbering().Record(sequence)
	return uint64(number)
}

// RecordOf returns the sequences that the events of a record may have: of the record to which a
// sequence belongs.
func (s *Stream) RecordOf(sequence schema.Sequence) Range {
	number, _ := s.numbering().Record(sequence)
	return s.ranges([]run{{number, number}})[0]
}

// checkEnd checks the stream of a new connection before anything is appended to it. A stream that
// is not the one that was written before accepts nothing: see [ForeignError]. A log that has lost
// its end must not reuse those sequences: a reader that is past them would skip the new messages.
// So they are filled with messages that are deleted immediately, and remain missing.
func (s *Stream) checkEnd(ctx context.Context) error {
	at := s.broker.present.Load()
	highest := record.Number(s.highest.Load())
	known, info, err := s.look(ctx)
	if err != nil {
		return err
	}
	id := info.Config.Metadata[identityKey]
	foreign := known.judge(s.name, info)
	s.id.Store(&id)
	s.setForeign(foreign)
	s.saw(record.Number(info.State.LastSeq))
	if foreign == nil && !s.broker.options.Observe {
		reached := known.highest(id)
		if info.Created.UnixNano() == s.created.Load() {
			reached = max(reached, highest)
		}
		if last := record.Number(info.State.LastSeq); last < reached {
			s.broker.log.Error("the log has lost its last records; their sequences will not be reused", "stream", s.name, "last", last, "acknowledged", reached)
			if err := s.takeUp(ctx, last, reached); err != nil {
				return err
			}
		}
	}
	s.checked.Store(at)
	return nil
}

// takeUp fills the records after last, up to reached.
func (s *Stream) takeUp(ctx context.Context, last, reached record.Number) error {
	if last >= reached {
		return nil
	}
	stream, err := s.broker.js.Stream(ctx, s.name)
	if err != nil {
		return classed(err)
	}
	for last < reached {
		a := attempt{stream: s, filler: true}
		for range min(batchRecords, reached-last) {
			a.open = append(a.open, piece{id: recordID(), header: nats.Header{headerFiller: {"1"}}})
		}
		if err := a.run(ctx); err != nil {
			return err
		}
		for _, at := range a.stored {
			if err := s.broker.once(ctx, func(ctx context.Context) error { return stream.DeleteMsg(ctx, uint64(at)) }); err != nil {
				return classed(err)
			}
			last = at
		}
	}
	return nil
}

// keep records the last record of the stream, compares the stream with the ledger, and reads all
// of it now and then, until the broker is closed.
func (s *Stream) keep(ctx context.Context) {
	ticks := time.NewTicker(noteEvery)
	defer ticks.Stop()
	for next := time.Now().Add(auditEvery); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if s.checked.Load() != s.broker.present.Load() {
			continue
		}
		if s.foreignNow() != nil { // until it is adopted
			_ = s.checkEnd(ctx)
			continue
		}
		s.noteReached(ctx)
		if now := time.Now(); now.After(next) {
			_, _ = s.audit(ctx)
			if foreign, err := s.Foreign(ctx); err == nil && foreign != nil { // another process has disowned it
				s.setForeign(foreign)
			}
			next = now.Add(auditEvery)
		}
	}
}

// noteReached records the last acknowledged record in the ledger, and then, apart from the server,
// in the notes. A batch that is being stored is not recorded: if a power loss takes it, nothing is
// lost. A failure of the ledger is one of the connection, and reported elsewhere.
func (s *Stream) noteReached(ctx context.Context) {
	reached, err := s.ledger.reach(ctx, record.Number(s.acknowledged.Load()))
	if err != nil {
		return
	}
	if err := s.broker.notes.note(s.name, Note{Log: s.Identity(), Reached: reached}); err != nil && !s.unnoted.Swap(true) {
		s.broker.log.Warn("cannot note the last record of the log; an older copy of the log would not be recognised", "stream", s.name, "error", err)
	}
}

// scrub reads the stream from end to end, slowly, again and again.
func (s *Stream) scrub(ctx context.Context) {
	for wait := scrubAfter; pause(ctx, wait); {
		wait = scrubEvery
		if s.busy(ctx) {
			wait = scrubAfter / 10
			continue
		}
		if err := s.Scrub(ctx, scrubIdle); err != nil {
			wait = silence
		}
	}
}

// busy reports, after a second, whether a reader is catching up.
func (s *Stream) busy(ctx context.Context) bool {
	read := s.read.Load()
	return pause(ctx, time.Second) && s.read.Load()-read > catchingUp
}

// Scrub reads the whole stream, because a message whose bytes have changed on disk is missing only
// when it is read. What it finds is part of [Stream.Damage] from then on. After each portion it
// pauses idle times as long as reading it took.
func (s *Stream) Scrub(ctx context.Context, idle int) error {
	state, err := s.State(ctx)
	if err != nil || state.Messages == 0 {
		return err
	}
	r := s.NewReader()
	r.headersOnly = true
	defer r.Close()
	for at := state.First - 1; at < state.Last; {
		begun := time.Now()
		entries, err := r.Read(ctx, at, 5000, time.Second)
		var damage *DamageError
		switch {
		case errors.As(err, &damage):
			at = damage.Missing[len(damage.Missing)-1].To
		case err != nil:
			return err
		case len(entries) > 0:
			at = entries[len(entries)-1].Through
		default: // only erased records may be left
			if next, _, err := s.next(ctx, at); err != nil || next.Sequence == 0 {
				return err
			}
		}
		if idle > 0 && !pause(ctx, time.Duration(idle)*time.Since(begun)) {
			return ctx.Err()
		}
	}
	return nil
}

// altered reports whether a message's payload differs from what was appended. Messages published by
// others have no checksum.
func altered(header nats.Header, payload []byte) bool {
	sums := header[record.HeaderSum]
	return len(sums) == 1 && sums[0] != record.Sum(payload)
}

// isFiller reports whether a message only takes the place of a lost record.
func isFiller(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get(headerFiller) != "" }
