package projector

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// work is what a batch does to one conversation.
type work struct {
	key    schema.ConversationKey
	before *history // nil where there was nothing
	fresh  []ArchivedEvent
}

// after is the history with the fresh events.
func (w *work) after() *history {
	h := &history{}
	if w.before != nil {
		h.bytes = w.before.bytes
		h.records = slices.Grow(slices.Clip(w.before.records), len(w.fresh))
	}
	for i := range w.fresh {
		h.records = append(h.records, w.fresh[i].Record)
		h.bytes += recordBytes(w.fresh[i].Original)
	}
	h.rows = fold.Of(h.records)
	return h
}

// sortOut removes from the intake what does not count: unwritable events become
// rejections, duplicates are dropped. Of a key, the event with the lowest
// sequence counts, whichever conversation the others name: so the first in the
// batch, unless an earlier one was written. A key that was written under the
// sequence of this very event is not a duplicate: the batch before a crash
// wrote it.
func (l *loop) sortOut(ctx context.Context, in *intake) error {
	writable := in.events[:0]
	first := make(map[schema.EventKey]schema.Sequence, len(in.events))
	keys := make([]schema.EventKey, 0, len(in.events))
	for _, e := range in.events {
		if err := l.unwritable[e.Sequence]; err != nil {
			r := rejection(l.name, e.Record, err)
			r.Original = e.Original
			in.rejected = append(in.rejected, *r)
			continue
		}
		key := e.Event.Key()
		if _, seen := first[key]; seen {
			continue
		}
		first[key] = e.Sequence
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
		return found && written < e.Sequence
	})
	return nil
}

// recall groups the events by conversation and gives each its history: from
// the cache, or from the archive, all that are missing in one query. Events of
// the archive above the position are left out: a batch that was cut off wrote
// them, and they come again.
func (l *loop) recall(ctx context.Context, events []ArchivedEvent) ([]*work, error) {
	var all []*work
	var missing []schema.ConversationKey
	at := map[schema.ConversationKey]*work{}
	for _, e := range events {
		key := e.Event.ConversationKey()
		w := at[key]
		if w == nil {
			w = &work{key: key, before: l.cache.get(key)}
			at[key] = w
			all = append(all, w)
			if w.before == nil {
				missing = append(missing, key)
			}
		}
		w.fresh = append(w.fresh, e)
	}
	l.metrics.cacheHits.Add(float64(len(all) - len(missing)))
	l.metrics.cacheMisses.Add(float64(len(missing)))
	if len(missing) == 0 || l.position == 0 {
		return all, nil
	}
	archived, err := l.archive.Recall(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("recall %d conversations: %w", len(missing), err)
	}
	for key, events := range archived {
		h := &history{}
		for i := range events {
			if events[i].Sequence <= l.position {
				h.records = append(h.records, events[i].Record)
				h.bytes += recordBytes(events[i].Original)
			}
		}
		if len(h.records) > 0 {
			h.rows = fold.Of(h.records)
			at[key].before = h
		}
	}
	return all, nil
}

// change is what is to be written of the conversation.
func (w *work) change(after *history) Change {
	c := Change{After: after.rows}
	if w.before != nil {
		c.Before = &w.before.rows
	}
	return c
}
