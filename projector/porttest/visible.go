package porttest

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Await returns when the position of a log has got to a sequence, and no conversation is behind it.
func (t *Tables) Await(ctx context.Context, log string, position schema.Sequence) error {
	for {
		t.mu.Lock()
		at, changed, behind := t.positions[log], t.changed, t.behind()
		t.mu.Unlock()
		if at >= position && behind == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the position of %s is %d, not yet %d, and %d conversations are behind: %w", log, at, position, behind, ctx.Err())
		case <-changed:
		}
	}
}

// behind counts the conversations whose rows are being made from events below the position.
func (t *Tables) behind() (count int) {
	for _, r := range t.quarantine {
		if r.Reason == schema.CodeBehind || r.Reason == schema.CodeDiffers {
			count++
		}
	}
	return count
}

// Seen returns the rows of conversations that a reader sees.
func (t *Tables) Seen() []Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rows []Seen
	for _, row := range t.conversations {
		if c := row.row; c.EventCount > 0 {
			rows = append(rows, Seen{c.ConversationKey, c.ClosedAt, c.LastSequence, c.EventCount, c.ContactCount})
		}
	}
	return rows
}

// Doubled names a conversation of which a reader could see two rows while a
// position was written; empty if there was none.
func (t *Tables) Doubled() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doubled
}

// Quarantine returns the rows of quarantine, by log and sequence.
func (t *Tables) Quarantine() []projector.Rejection {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []projector.Rejection
	for _, r := range t.quarantine {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b projector.Rejection) int {
		return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Sequence, b.Sequence))
	})
	return list
}

// Compare holds everything that a reader of the tables sees against the folds
// of the events that count, by conversation, but for some conversations.
func (t *Tables) Compare(want map[schema.ConversationKey][]schema.Record, except ...schema.ConversationKey) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[schema.ConversationKey]int{}
	for key, row := range t.conversations {
		if slices.Contains(except, key.ConversationKey) {
			continue
		}
		seen[key.ConversationKey]++
		rows := fold.Of(want[key.ConversationKey])
		if !reflect.DeepEqual(row.row, rows.Conversation) {
			return fmt.Errorf("conversation %v at %d is\n%+v\nwant\n%+v", key.ConversationKey, key.began, row.row, rows.Conversation)
		}
		if key.began != rows.Conversation.BeganAt {
			return fmt.Errorf("conversation %v is at sort key %d", key.ConversationKey, key.began)
		}
	}
	for key, records := range want {
		if seen[key] != 1 {
			return fmt.Errorf("conversation %v has %d rows", key, seen[key])
		}
		rows := fold.Of(records)
		if err := same("contacts", t.contacts, key, rows.Contacts, func(c *fold.Contact) string { return c.ID }); err != nil {
			return err
		}
		if err := same("messages", t.messages, key, rows.Messages, func(m *fold.Message) string { return m.ID }); err != nil {
			return err
		}
		if err := same("transactions", t.transactions, key, rows.Transactions, func(x *fold.Transaction) string { return x.ID }); err != nil {
			return err
		}
		if len(t.events[key]) != len(records) {
			return fmt.Errorf("conversation %v has %d events, want %d", key, len(t.events[key]), len(records))
		}
		for _, r := range records {
			if archived, there := t.events[key][r.Sequence]; !there || archived.Event.Key() != r.Event.Key() {
				return fmt.Errorf("event %d is not in the archive", r.Sequence)
			}
		}
	}
	if len(seen) != len(want) {
		return fmt.Errorf("%d conversations, want %d", len(seen), len(want))
	}
	return nil
}

func same[R any](name string, table map[rowKey]versioned[R], of schema.ConversationKey, want []R, id func(*R) string) error {
	rows := 0
	for key := range table {
		if key.ConversationKey == of {
			rows++
		}
	}
	if rows != len(want) {
		return fmt.Errorf("conversation %v has %d %s, want %d", of, rows, name, len(want))
	}
	for _, row := range want {
		if got := table[rowKey{of, id(&row)}]; !reflect.DeepEqual(got.row, row) {
			return fmt.Errorf("%s of %v: %+v\nwant\n%+v", name, of, got.row, row)
		}
	}
	return nil
}
