package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
)

const (
	// headerFiller marks a message that only occupies a lost sequence.
	headerFiller = "Parley-Lost"
	// headerSum holds the CRC-32C of the payload. nats-server 2.15.2 skips a message with wrong
	// bytes the first time it reads it, and returns it the next time, while the block is in its
	// cache.
	headerSum = "Parley-Sum"
	// mostFillers is the longest end of a log that is filled up at a start.
	mostFillers = 100_000
	// noteEvery is how often the highest sequence is recorded, auditEvery how often the stream is
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

// DamageError reports that a stream has lost messages: they were acknowledged, and not erased or dropped since.
type DamageError struct {
	Stream  string
	Missing []Range
}

// Error names the first of the lost sequences and the remedy.
func (e *DamageError) Error() string {
	count := uint64(0)
	names := make([]string, 0, 5)
	for i, r := range e.Missing {
		count += uint64(r.To-r.From) + 1
		if i < 4 {
			names = append(names, r.String())
		} else if i == 4 {
			names = append(names, "…")
		}
	}
	return fmt.Sprintf("the log %s is damaged: %d messages are lost, sequences %s; restore the log from a backup, or see `parley log`",
		e.Stream, count, strings.Join(names, ", "))
}

// Damage compares the stream with the ledger and returns what is lost, or nil.
// Single messages whose bytes have changed on disk are found only when they are
// read; those a [Reader] of this process has found are among them.
func (s *Stream) Damage(ctx context.Context) ([]Range, error) {
	info, err := s.info(ctx, false)
	if err != nil {
		return nil, err
	}
	st := info.State
	s.damageMu.Lock()
	suspects := slices.Clone(s.found)
	known := s.audited
	s.damageMu.Unlock()

	now := audited{first: st.FirstSeq, deleted: st.NumDeleted}
	if now.first != known.first || now.deleted != known.deleted {
		noted, err := s.ledger.count(ctx, Range{st.FirstSeq, st.LastSeq})
		if err != nil {
			return nil, err
		}
		if noted != st.NumDeleted {
			details, err := s.info(ctx, true)
			if err != nil {
				return nil, err
			}
			for _, gone := range details.State.Deleted {
				known.suspects = append(known.suspects, Range{gone, gone})
			}
			known.suspects = merged(known.suspects)
		}
	}
	suspects = append(suspects, known.suspects...)
	if st.FirstSeq > 1 && info.Config.MaxAge == 0 {
		suspects = append(suspects, Range{1, st.FirstSeq - 1})
	}
	if st.Lost != nil {
		for _, lost := range st.Lost.Msgs {
			suspects = append(suspects, Range{lost, lost})
		}
	}
	s.ledger.mu.Lock()
	reached := s.ledger.reached
	s.ledger.mu.Unlock()
	if reached > st.LastSeq {
		suspects = append(suspects, Range{st.LastSeq + 1, reached})
	}

	var lost []Range
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
	first    schema.Sequence
	deleted  uint64
	suspects []Range // not explained then
}

// setLost stores the lost ranges, and logs them if they are new.
func (s *Stream) setLost(lost []Range) {
	if len(lost) > 0 && !slices.Equal(lost, s.lost) {
		s.broker.log.Error("the log is damaged", "stream", s.name, "error", &DamageError{s.name, lost})
	}
	s.lost = lost
}

func merged(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	var all []Range
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
	return &DamageError{s.name, s.lost}
}

// explain classifies sequences that the stream does not return: nil if they were deleted on
// purpose, otherwise a DamageError.
func (s *Stream) explain(ctx context.Context, gap Range) error {
	missing, err := s.ledger.missing(ctx, gap)
	if err != nil || len(missing) == 0 {
		return err
	}
	info, err := s.info(ctx, false)
	if err != nil {
		return err
	}
	if info.Config.MaxAge > 0 { // messages below the first have expired
		missing = slices.DeleteFunc(missing, func(r Range) bool { return r.To < info.State.FirstSeq })
		if len(missing) == 0 {
			return nil
		}
		missing[0].From = max(missing[0].From, info.State.FirstSeq)
	}
	s.damageMu.Lock()
	defer s.damageMu.Unlock()
	s.found = merged(append(s.found, missing...))
	s.setLost(merged(append(slices.Clone(s.lost), missing...)))
	return &DamageError{s.name, missing}
}

// GiveUp records that lost sequences cannot be recovered, or were appended again under others: from
// now on readers skip them.
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
	return s.ledger.note(ctx, lost)
}

// checkEnd checks the stream of a new connection before anything is appended to it. A stream that
// is not the one that was written before accepts nothing: see [ForeignError]. A log that has lost
// its end must not reuse those sequences: a reader that is past them would skip the new messages.
// So they are filled with messages that are deleted immediately, and remain missing.
func (s *Stream) checkEnd(ctx context.Context) error {
	at := s.broker.present.Load()
	highest := schema.Sequence(s.highest.Load())
	known, info, err := s.look(ctx)
	if err != nil {
		return err
	}
	id := info.Config.Metadata[identityKey]
	foreign := known.judge(s.name, info)
	s.id.Store(&id)
	s.setForeign(foreign)
	s.saw(info.State.LastSeq)
	if foreign == nil && !s.broker.options.Observe {
		reached := known.highest(id)
		if info.Created.UnixNano() == s.created.Load() {
			reached = max(reached, highest)
		}
		if last := info.State.LastSeq; last < reached {
			s.broker.log.Error("the log has lost its last entries; their sequences will not be reused", "stream", s.name, "last", last, "acknowledged", reached)
			if err := s.takeUp(ctx, last, reached); err != nil {
				return err
			}
		}
	}
	s.checked.Store(at)
	return nil
}

// takeUp fills the sequences after last, up to reached.
func (s *Stream) takeUp(ctx context.Context, last, reached schema.Sequence) error {
	if last >= reached {
		return nil
	}
	stream, err := s.broker.js.Stream(ctx, s.name)
	if err != nil {
		return classed(err)
	}
	for last < reached {
		fillers := make([]Message, min(1000, reached-last))
		a := attempt{stream: s, messages: fillers, receipts: make([]Receipt, len(fillers)), filler: true}
		for i := range fillers {
			a.open = append(a.open, i)
		}
		if err := a.run(ctx); err != nil {
			return err
		}
		for _, r := range a.receipts {
			if err := stream.DeleteMsg(ctx, uint64(r.Sequence)); err != nil {
				return classed(err)
			}
			last = r.Sequence
		}
	}
	return nil
}

// keep records the last sequence of the stream, compares the stream with the ledger, and reads all
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
			_, _ = s.Damage(ctx)
			if foreign, err := s.Foreign(ctx); err == nil && foreign != nil { // another process has disowned it
				s.setForeign(foreign)
			}
			next = now.Add(auditEvery)
		}
	}
}

// noteReached records the last acknowledged sequence in the ledger, and then, apart from the server,
// in the notes. A batch that is being stored is not recorded: if a power loss takes it, nothing is
// lost. A failure of the ledger is one of the connection, and reported elsewhere.
func (s *Stream) noteReached(ctx context.Context) {
	reached, err := s.ledger.reach(ctx, schema.Sequence(s.acknowledged.Load()))
	if err != nil {
		return
	}
	if err := s.broker.notes.note(s.name, Note{Log: s.Identity(), Reached: reached}); err != nil && !s.unnoted.Swap(true) {
		s.broker.log.Warn("cannot record the last sequence of the log; an older copy of the log would not be recognised", "stream", s.name, "error", err)
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
			at = entries[len(entries)-1].Sequence
		default: // only deleted messages may be left
			if _, err := s.Next(ctx, at); errors.Is(err, ErrNotFound) {
				if err := s.explain(ctx, Range{at + 1, state.Last}); err != nil && !errors.As(err, &damage) {
					return err
				}
				return nil
			}
		}
		if idle > 0 && !pause(ctx, time.Duration(idle)*time.Since(begun)) {
			return ctx.Err()
		}
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(payload []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(payload, castagnoli)), 36)
}

// altered reports whether a message's payload differs from what was appended. Messages published by
// others have no checksum.
func altered(header nats.Header, payload []byte) bool {
	sums := header[headerSum]
	return len(sums) == 1 && sums[0] != sum(payload)
}

// isFiller reports whether a message only fills a lost sequence.
func isFiller(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get(headerFiller) != "" }
