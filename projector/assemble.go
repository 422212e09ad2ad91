package projector

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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

	continued *Change // what a fold that could be continued has changed
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
// all that are missing, from the archive in one query. Events of conversations that are set aside
// are archived and change no rows.
func (l *loop) assemble(ctx context.Context, in *intake) ([]*work, error) {
	var all, missing []*work
	at := map[schema.ConversationKey]*work{}
	of := func(r *schema.Record) *work {
		key := r.Event.ConversationKey()
		w := at[key]
		if _, aside := l.aside[key]; w == nil && !aside {
			w = &work{key: key, before: l.cache.get(key)}
			at[key] = w
			all = append(all, w)
		}
		return w
	}
	for _, e := range in.events {
		if w := of(&e.Record); w != nil {
			w.fresh = append(w.fresh, e)
			w.replaces = w.replaces || l.countsNow(&e.Event)
		}
	}
	for _, r := range in.withdrawn {
		if w := of(&r); w != nil {
			w.withdrawn = append(w.withdrawn, r)
		}
	}
	if err := l.proceed(ctx, all); err != nil {
		return nil, err
	}
	for _, w := range all {
		if w.before == nil {
			missing = append(missing, w)
		}
	}
	l.metrics.cacheHits.Add(float64(len(all) - len(missing)))
	l.metrics.cacheMisses.Add(float64(len(missing)))
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
		if needs, follows := w.before.state.Wants(w.records()); follows && !l.isContested() && len(w.withdrawn) == 0 {
			wanted[w.key] = needs
			long = append(long, w)
		} else {
			w.before = nil
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
		known, usable := found[w.key]
		if usable {
			var before, after fold.Rows
			if before, after, usable = w.before.state.Continue(w.records(), known); usable {
				w.continued = &Change{Before: &before, After: after}
				continue
			}
		}
		w.before = nil
	}
	return nil
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

// fold returns what is to be written of the conversation, and its new history.
func (w *work) fold(long int) (Change, *history) {
	if w.continued != nil {
		return *w.continued, w.before
	}
	after := w.before.without(w.withdrawn).foldedWith(w.fresh, long)
	if len(after.records) == 0 {
		after.rows.Conversation.ConversationKey = w.key
	}
	c := Change{After: after.rows, Replaces: len(w.withdrawn) > 0 || w.replaces}
	if w.before != nil {
		c.Before = &w.before.rows
	}
	return c, after
}
