package projector

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// work is the part of a batch that concerns one conversation.
type work struct {
	key    schema.ConversationKey
	before *history // nil if there were none
	fresh  []ArchivedEvent

	withdrawn []schema.Record // events that were found to be unwritable, or are replaced by fresh ones
	replaces  bool            // an event counts now that was left out of rows ahead of the position

	known  []fold.Message  // those of the tables that a continued fold needs
	from   int             // which of the earlier states it is continued from, from 1; 0 for the latest
	since  []schema.Record // the events since that
	late   bool            // the fold cannot be continued, because of events before others
	folded *folded         // the fold, if it was continued

	archived bool   // the events make no rows now: the conversation is set aside, or its rows are behind
	owes     *owing // that they are is to be noted
}

// folded is what a batch changes in a conversation, and the history after it.
type folded struct {
	change Change
	after  *history
}

// records are the new events.
func (w *work) records() []schema.Record {
	list := make([]schema.Record, len(w.fresh))
	for i := range w.fresh {
		list[i] = w.fresh[i].Record
	}
	return list
}

// first is the sequence of the first event that is not in the rows yet.
func (w *work) first() schema.Sequence {
	if len(w.fresh) > 0 {
		return w.fresh[0].Sequence
	}
	return w.withdrawn[0].Sequence
}

// bytes estimates the memory of the conversation with its new events.
func (w *work) bytes() int {
	size := 0
	if w.before != nil {
		size = w.before.bytes
	}
	for i := range w.fresh {
		size += recordBytes(w.fresh[i].Original)
	}
	return size
}

// sortOut removes from the intake what does not count: unwritable events become rejections,
// duplicates are dropped. Of the events with one key, the one with the lowest sequence counts,
// whichever conversation the others name: the first in the batch, unless an earlier one was
// written. A key that was written under the sequence of this very event is not a duplicate: the
// batch before a crash wrote it. One written under the sequence of an unwritable event is none
// either: it is withdrawn. Nor is what announces an erasure: it replaces the copy that counts.
func (l *loop) sortOut(ctx context.Context, in *intake) error {
	writable := in.events[:0]
	first := make(map[schema.EventKey]int, len(in.events)) // places in writable
	keys := make([]schema.EventKey, 0, len(in.events))
	for _, e := range in.events {
		if err := l.unwritable[e.Sequence]; err != nil {
			r := rejection(l.name, e.Record, err)
			r.Original = e.Original
			in.rejected = append(in.rejected, *r)
			in.withdrawn = append(in.withdrawn, e.Record)
			l.quarantined[nameOf(&e.Event)] = true
			continue
		}
		key := e.Event.Key()
		if place, seen := first[key]; seen {
			in.repeats++
			if e.Event.Announces(writable[place].Sequence) {
				writable[place] = e
			}
			continue
		}
		first[key] = len(writable)
		keys = append(keys, key)
		writable = append(writable, e)
	}
	in.events = writable
	if len(keys) == 0 {
		return nil
	}
	known, err := l.archive.Known(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up keys: %w", err)
	}
	in.events = slices.DeleteFunc(in.events, func(e ArchivedEvent) bool {
		written, found := known[e.Event.Key()]
		if !found || written >= e.Sequence || l.unwritable[written] != nil {
			return false
		}
		if e.Event.Announces(written) {
			replaced := e.Record
			replaced.Sequence = written
			in.withdrawn = append(in.withdrawn, replaced)
			return false
		}
		return true
	})
	slices.SortFunc(in.events, func(a, b ArchivedEvent) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return nil
}

// assemble groups the events by conversation and loads the history of each from the cache, or, for
// all that are missing, from the archive in one query. Events of conversations that are set aside, or
// large and without a history in memory, are archived and change no rows.
func (l *loop) assemble(ctx context.Context, in *intake) ([]*work, error) {
	var all, missing []*work
	at := map[schema.ConversationKey]*work{}
	of := func(r *schema.Record) *work {
		key := r.Event.ConversationKey()
		w := at[key]
		if w == nil {
			w = &work{key: key, before: l.cache.get(key)}
			_, w.archived = l.aside[key]
			at[key] = w
			all = append(all, w)
		}
		return w
	}
	for _, e := range in.events {
		w := of(&e.Record)
		w.fresh = append(w.fresh, e)
		w.replaces = w.replaces || l.countsNow(&e.Event)
	}
	for _, r := range in.withdrawn {
		w := of(&r)
		w.withdrawn = append(w.withdrawn, r)
	}
	var live []*work
	for _, w := range all {
		switch {
		case !w.archived:
			live = append(live, w)
		case l.owing[w.key] != nil && (len(w.withdrawn) > 0 || w.replaces):
			l.owes(w, schema.CodeDiffers)
		}
	}
	if err := l.proceed(ctx, live); err != nil {
		return nil, err
	}
	for _, w := range live {
		if w.before == nil {
			missing = append(missing, w)
		}
	}
	l.metrics.cacheHits.Add(float64(len(live) - len(missing)))
	l.metrics.cacheMisses.Add(float64(len(missing)))
	missing, err := l.postpone(ctx, missing)
	if err != nil {
		return nil, err
	}
	return all, l.recall(ctx, missing)
}

// proceed continues the folds of long conversations. Those that cannot be continued are treated as
// new: all their events are folded again. So are those with withdrawn events, and all while batches are
// contested: the messages in the tables may be newer than the position then, and all rows of a
// conversation are written.
func (l *loop) proceed(ctx context.Context, works []*work) error {
	wanted := map[schema.ConversationKey]fold.Wanted{}
	var long []*work
	for _, w := range works {
		if w.before == nil || w.before.state == nil {
			continue
		}
		needs, follows, err := l.wants(ctx, w)
		if err != nil {
			return err
		}
		if follows && !l.isContested() && len(w.withdrawn) == 0 {
			wanted[w.key] = needs
			long = append(long, w)
		} else {
			w.before, w.late = nil, !follows
		}
	}
	if len(long) == 0 {
		return nil
	}
	found, err := l.archive.Messages(ctx, wanted)
	if err != nil && !tooLarge(err) {
		return fmt.Errorf("look up messages of %d conversations: %w", len(long), err)
	}
	for _, w := range long {
		usable := false
		if w.known, usable = found[w.key]; usable {
			w.folded, usable = w.fold(l.long)
		}
		if !usable {
			w.before, w.late = nil, true
		}
	}
	return nil
}

// wants returns the messages that a continued fold of a long conversation needs. Where events come before others, it is
// continued from the latest state before them, if the events since then are few enough for a batch.
func (l *loop) wants(ctx context.Context, w *work) (needs fold.Wanted, follows bool, err error) {
	fresh := w.records()
	if needs, follows = w.before.state.Wants(fresh); follows || l.isContested() {
		return needs, follows, nil
	}
	for i, earlier := range slices.Backward(w.before.state.Earlier()) {
		if !earlier.Follow(fresh) {
			continue
		}
		piece := whole(w.key, earlier.UpTo(), l.position)
		piece.Most = l.large + 1
		since, err := l.archive.Piece(ctx, piece)
		if err != nil || len(since) > l.large {
			return needs, false, err
		}
		w.from, w.since = i+1, since
		needs, follows = earlier.Wants(slices.Concat(since, fresh))
		return needs, follows, nil
	}
	return needs, false, nil
}

// recall loads the history of conversations from the archive. Events of the archive above the
// position are left out: an interrupted batch wrote them, and they will be read again.
func (l *loop) recall(ctx context.Context, works []*work) error {
	if len(works) == 0 || l.position == 0 {
		return nil
	}
	read := func(some []*work) error { return l.read(ctx, some) }
	err := read(works)
	if tooLarge(err) {
		err = l.narrow(ctx, works, read)
	}
	return err
}

func (l *loop) read(ctx context.Context, works []*work) error {
	keys := make([]schema.ConversationKey, len(works))
	for i, w := range works {
		keys[i] = w.key
	}
	archived, err := l.archive.Recall(ctx, keys)
	if err != nil {
		return fmt.Errorf("recall %d conversations: %w", len(works), err)
	}
	for _, w := range works {
		events := slices.DeleteFunc(archived[w.key], func(e ArchivedEvent) bool { return e.Sequence > l.position })
		if len(events) > 0 {
			w.before = (*history)(nil).foldedWith(events, l.long)
		}
	}
	return nil
}

// fold returns what is to be written of the conversation, and its new history. It reports false if it only has the
// state of a fold, and that cannot be continued.
func (w *work) fold(long int) (*folded, bool) {
	switch {
	case w.folded != nil:
		return w.folded, true
	case w.before != nil && w.before.records == nil && w.before.state != nil:
		return w.proceed()
	}
	after := w.before.without(w.withdrawn).foldedWith(w.fresh, long)
	if len(after.records) == 0 {
		after.rows.Conversation.ConversationKey = w.key
	}
	c := Change{After: after.rows, Replaces: len(w.withdrawn) > 0 || w.replaces}
	if w.before != nil {
		c.Before = &w.before.rows
	}
	return &folded{c, after}, true
}

// proceed continues the fold of a long conversation.
func (w *work) proceed() (*folded, bool) {
	var next *fold.State
	var before, after fold.Rows
	var ok bool
	if w.from == 0 {
		next, before, after, ok = w.before.state.Continue(w.records(), w.known)
	} else {
		earlier := w.before.state.Earlier()
		before = w.before.state.Rows()
		next, after, ok = earlier[w.from-1].Again(earlier[:w.from-1], slices.Concat(w.since, w.records()), w.known)
	}
	if !ok {
		return nil, false
	}
	return &folded{Change{Before: &before, After: after}, &history{state: next}}, true
}

// foldAll folds works on all processors. One that could not be continued has all its events now.
func foldAll(works []*work, long int) {
	var folding errgroup.Group
	folding.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(works, foldedTogether) {
		folding.Go(func() error {
			for _, w := range part {
				w.folded, _ = w.fold(long)
			}
			return nil
		})
	}
	_ = folding.Wait() // a fold cannot fail
}

// foldedTogether is how many conversations are folded one after the other.
const foldedTogether = 64
