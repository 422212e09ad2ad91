package erase

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Log is a log from which messages can be erased.
//
// Gap returns the sequence up to which no entry follows another. Erase overwrites
// entries, in the order of the list as far as they are in different records; missing ones are not
// an error. The others keep their sequences. Append appends messages, durably and in order,
// duplicates included, and returns their sequences.
type Log interface {
	projector.Log
	Gap(ctx context.Context, after schema.Sequence) (schema.Sequence, error)
	Erase(ctx context.Context, sequences ...schema.Sequence) error
	Append(ctx context.Context, payloads [][]byte) ([]schema.Sequence, error)
}

// Erasure removes personal data from the logs and the tables. The caller ensures that no replay,
// verify or quarantine command runs at the same time.
type Erasure struct {
	Tables *tables.Tables
	// Events is the log of events from its beginning, including events that only the archive has;
	// Rejected is the log of events refused at the edge.
	Events, Rejected Log
	// MakeLive makes a version live that is complete up to its positions, and returns when it is live,
	// and whether a projector has taken it over.
	MakeLive func(ctx context.Context, version uint32) (projected bool, err error)
	// Grace is how long requests that read the previous version may continue.
	Grace  time.Duration
	Logger *slog.Logger
	// Report is called with the progress of a step; may be nil.
	Report func(step string, done, all schema.Sequence)
	// At is called at the named points of an erasure: "appended", "erased", "copied", "live". Tests
	// interrupt it there; may be nil.
	At func(point string)
}

func (e *Erasure) report(step string, done, all schema.Sequence) {
	if e.Report != nil {
		e.Report(step, done, all)
	}
}

func (e *Erasure) at(point string) {
	if e.At != nil {
		e.At(point)
	}
}

// Run erases, and returns what it affected. It can be repeated after an
// interruption at any point.
func (e *Erasure) Run(ctx context.Context, target Target) (*Found, error) {
	s, err := e.search(ctx, target)
	if err != nil {
		return nil, err
	}
	found := s.found()
	if found.Nothing() {
		return found, nil
	}
	// A version being built is dropped: it may contain what is erased.
	version, err := e.Tables.Begin(ctx, "erase "+rand.Text())
	if err != nil {
		return nil, err
	}
	count, err := e.rewriteLog(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := e.fill(ctx, target, s, version, count); err != nil {
		return nil, fmt.Errorf("rewrite the tables: %w", err)
	}
	e.at("copied")
	projected, err := e.MakeLive(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("make the rewritten tables live: %w", err)
	}
	e.at("live")
	announced, err := e.announce(ctx, count)
	if err == nil && projected {
		err = e.await(ctx, version, announced)
	}
	if err != nil {
		return nil, fmt.Errorf("announce the erasure: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(e.Grace):
	}
	// Every other version contains what was erased.
	return found, e.Tables.DropAllBut(context.WithoutCancel(ctx), version)
}

// portion is the number of messages appended, or conversations written, at a time.
const portion = 1000

// rewriteLog appends the redacted copies and then erases the originals. It returns the redacted
// events that now count, as they are in the log.
func (e *Erasure) rewriteLog(ctx context.Context, s *search) ([]projector.ArchivedEvent, error) {
	r := newRedaction()
	copied := map[schema.Sequence]bool{}
	var first, last schema.Sequence
	for some := range slices.Chunk(s.copies, portion) {
		payloads := make([][]byte, len(some))
		for i, v := range some {
			var err error
			if v.event.Origin == 0 {
				v.event.Origin = v.entry.Sequence // questions as of an earlier position find the event there
			}
			if _, payloads[i], err = r.redact(v.event, v.entry.ReceivedAt); err != nil {
				return nil, fmt.Errorf("event %d: %w", v.entry.Sequence, err)
			}
		}
		sequences, err := e.Events.Append(ctx, payloads)
		if err != nil {
			return nil, fmt.Errorf("append redacted events: %w", err)
		}
		for _, sequence := range sequences {
			copied[sequence] = true
			if first == 0 {
				first = sequence
			}
			last = max(last, sequence)
		}
	}
	e.at("appended")

	all := schema.Sequence(len(s.erase) + len(s.spoiled) + len(s.rejected))
	done := schema.Sequence(0)
	for _, part := range []struct {
		log       Log
		sequences []schema.Sequence
	}{{e.Rejected, s.rejected}, {e.Events, s.spoiled}, {e.Events, s.erase}} {
		for some := range slices.Chunk(part.sequences, portion) {
			if err := part.log.Erase(ctx, some...); err != nil {
				return nil, fmt.Errorf("erase: %w", err)
			}
			done += schema.Sequence(len(some))
			e.report("erasing", done, all)
		}
	}
	e.at("erased")

	var count []projector.ArchivedEvent
	var failed error
	note := func(entry schema.Entry) {
		event, fault := schema.Decode(entry.Payload, entry.ReceivedAt)
		if fault != nil {
			failed = fmt.Errorf("redacted event %d: %w", entry.Sequence, fault)
			return
		}
		count = append(count, projector.ArchivedEvent{
			Record:   schema.Record{Sequence: entry.Sequence, ReceivedAt: schema.TimestampOf(entry.ReceivedAt), Event: event},
			Original: slices.Clone(entry.Payload),
		})
	}
	for _, v := range s.stay {
		note(v.entry)
	}
	if len(copied) > 0 {
		err := e.read(ctx, e.Events, "reading back", first-1, last, func(entry schema.Entry) {
			if copied[entry.Sequence] {
				delete(copied, entry.Sequence)
				note(entry)
			}
		})
		if err != nil {
			return nil, err
		}
		if len(copied) > 0 {
			return nil, errors.New("appended redacted events are missing from the log")
		}
	}
	return count, failed
}

// announce appends the last redacted event of each conversation once more, now that the live rows are
// redacted: it replaces its copy, and the rows of the conversation change at its sequence. It returns the
// last sequence.
func (e *Erasure) announce(ctx context.Context, count []projector.ArchivedEvent) (announced schema.Sequence, err error) {
	last := map[schema.ConversationKey]projector.ArchivedEvent{}
	for _, event := range count {
		key := event.Event.ConversationKey()
		if event.Event.Origin != 0 && event.Sequence > last[key].Sequence {
			last[key] = event
		}
	}
	var payloads [][]byte
	for _, event := range last {
		payloads = append(payloads, event.Original)
	}
	for some := range slices.Chunk(payloads, portion) {
		sequences, err := e.Events.Append(ctx, some)
		if err != nil {
			return 0, err
		}
		announced = slices.Max(sequences)
	}
	return announced, nil
}

const (
	// patience is how long the projector may take to project the announcement.
	patience = time.Minute
	lookEach = 50 * time.Millisecond
)

// await waits until a version is projected up to a sequence.
func (e *Erasure) await(ctx context.Context, version uint32, upTo schema.Sequence) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the tables have not reached sequence %d within %s", upTo, patience))
	defer cancel()
	for {
		positions, err := e.Tables.Positions(ctx, version)
		if err != nil || positions[projector.LogEvents] >= upTo {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookEach):
		}
	}
}

// fill writes the tables of a version: the fold of the redacted events, then everything else from
// the live version, and the positions last.
func (e *Erasure) fill(ctx context.Context, target Target, s *search, version uint32, count []projector.ArchivedEvent) error {
	if err := e.fold(ctx, version, count); err != nil {
		return err
	}
	for log, gone := range map[string][]schema.Sequence{
		projector.LogEvents: s.spoiled, projector.LogRejected: s.rejected,
	} {
		for some := range slices.Chunk(gone, portion) {
			if err := e.Tables.RemoveQuarantined(ctx, log, some); err != nil {
				return err
			}
		}
	}
	if err := e.copyRest(ctx, target, s, version); err != nil {
		return err
	}
	for log, at := range s.positions {
		if err := e.Tables.SetPosition(ctx, version, log, at); err != nil {
			return err
		}
	}
	return nil
}

// fold writes the rows of the conversations. The version has no other rows yet.
func (e *Erasure) fold(ctx context.Context, version uint32, count []projector.ArchivedEvent) error {
	writer, err := sink.Open(ctx, e.Tables.Conn(), sink.Options{Projection: version, Logger: e.Logger})
	if err != nil {
		return err
	}
	byConversation := map[schema.ConversationKey][]projector.ArchivedEvent{}
	for _, event := range count {
		key := event.Event.ConversationKey()
		byConversation[key] = append(byConversation[key], event)
	}
	batch := &projector.Batch{Log: projector.LogEvents}
	for _, events := range byConversation {
		records := make([]schema.Record, len(events))
		for i := range events {
			records[i] = events[i].Record
		}
		batch.Changes = append(batch.Changes, projector.Change{After: fold.Of(records)})
		batch.Events = append(batch.Events, events...)
		if len(batch.Events) >= portion {
			if err := writer.Write(ctx, batch); err != nil {
				return err
			}
			batch = &projector.Batch{Log: projector.LogEvents}
		}
	}
	if len(batch.Events) == 0 {
		return nil
	}
	return writer.Write(ctx, batch)
}

// copyRest copies what does not belong to the conversations. The tables are
// read one after the other while the live version continues: what is above the
// positions was left by an interrupted batch, and is projected again. Keys
// above them are left out: the key of a message erased meanwhile would make its
// redacted copy a duplicate.
func (e *Erasure) copyRest(ctx context.Context, target Target, s *search, version uint32) error {
	return e.Tables.CopyWithout(ctx, s.live, version, target.conversations(s), projector.LogConversations, s.positions[projector.LogEvents], func(done, all int) {
		e.report("copying tables", schema.Sequence(done), schema.Sequence(all))
	})
}
