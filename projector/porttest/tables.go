package porttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Tables are the tables of a projection in memory: a Sink and an Archive.
type Tables struct {
	// Fail, if set, is asked before and after every insert, with a name such as
	// "before contacts": its error ends the write there.
	Fail func(point string) error
	// Refuse, if set, reports whether an event makes its conversation's rows
	// unwritable.
	Refuse func(schema.Event) bool
	// RefuseAt is the insert that is refused then; those before it are done. The first by default.
	RefuseAt string
	// Reject, if set, reports whether the rows of a conversation are unwritable, whichever they are.
	Reject func(schema.ConversationKey) bool
	// Large, if set, reports whether there is not enough memory for a conversation's rows.
	Large func(schema.ConversationKey) bool
	// LargeToRead is the same of a conversation's events.
	LargeToRead func(schema.ConversationKey) bool

	mu            sync.Mutex
	changed       chan struct{}
	conversations map[sortKey]versioned[fold.Conversation]
	contacts      map[rowKey]versioned[fold.Contact]
	messages      map[rowKey]versioned[fold.Message]
	transactions  map[rowKey]versioned[fold.Transaction]
	events        map[schema.ConversationKey]map[schema.Sequence]projector.ArchivedEvent
	keys          map[schema.EventKey]schema.Sequence
	quarantine    map[entryKey]projector.Rejection
	positions     map[string]schema.Sequence
	origins       map[string]projector.Origin
	doubled       string // the conversation that had two rows when a position was written
}

// sortKey is what the rows of conversations are sorted by: a row replaces another one at its key only.
type sortKey struct {
	schema.ConversationKey
	began schema.Timestamp
}

type rowKey struct {
	schema.ConversationKey
	id string
}

type entryKey struct {
	log      string
	sequence schema.Sequence
}

// versioned is a row that only one with the same or a higher version replaces.
type versioned[R any] struct {
	row     R
	version schema.Sequence
}

func put[K comparable, R any](table map[K]versioned[R], key K, row versioned[R]) {
	if had, there := table[key]; !there || row.version >= had.version {
		table[key] = row
	}
}

// NewTables makes empty tables.
func NewTables() *Tables {
	return &Tables{
		changed:       make(chan struct{}),
		conversations: map[sortKey]versioned[fold.Conversation]{},
		contacts:      map[rowKey]versioned[fold.Contact]{},
		messages:      map[rowKey]versioned[fold.Message]{},
		transactions:  map[rowKey]versioned[fold.Transaction]{},
		events:        map[schema.ConversationKey]map[schema.Sequence]projector.ArchivedEvent{},
		keys:          map[schema.EventKey]schema.Sequence{},
		quarantine:    map[entryKey]projector.Rejection{},
		positions:     map[string]schema.Sequence{},
		origins:       map[string]projector.Origin{},
	}
}

// Position is the stored position, and the highest version of a row.
func (t *Tables) Position(_ context.Context, log string) (stored, held schema.Sequence, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stored, held = t.positions[log], t.positions[log]
	if log == projector.LogEvents { // versions count in no other
		held = max(held, highest(t.conversations), highest(t.contacts), highest(t.messages), highest(t.transactions))
	}
	return stored, held, t.point("before reading the position")
}

// Origin is that of the stored position.
func (t *Tables) Origin(_ context.Context, log string) (projector.Origin, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.origins[log], nil
}

// Write stores a batch, insert by insert.
func (t *Tables) Write(_ context.Context, b *projector.Batch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range b.Changes {
		if t.Large != nil && t.Large(b.Changes[i].After.Conversation.ConversationKey) {
			return fmt.Errorf("write: %w", &projector.TooLargeError{Err: fmt.Errorf("no memory")})
		}
		if t.Reject != nil && t.Reject(b.Changes[i].After.Conversation.ConversationKey) {
			return fmt.Errorf("write: %w", &projector.UnwritableError{Err: fmt.Errorf("a value does not fit")})
		}
	}
	changes := changes(b)
	rows := func(insert func([]projector.Change)) func(*projector.Batch) {
		return func(*projector.Batch) { insert(changes) }
	}
	inserts := []struct {
		name   string
		insert func(*projector.Batch)
	}{
		{"conversations", rows(t.insertConversations)}, {"contacts", rows(t.insertContacts)},
		{"messages", rows(t.insertMessages)}, {"transactions", rows(t.insertTransactions)}, {"strays", t.replace},
		{"events", t.insertEvents}, {"keys", t.insertKeys}, {"quarantine", t.insertQuarantine}, {"position", t.insertPosition},
	}
	for _, i := range inserts {
		if err := t.point("before " + i.name); err != nil {
			return err
		}
		if i.name == cmp.Or(t.RefuseAt, inserts[0].name) && slices.ContainsFunc(b.Events, func(e projector.ArchivedEvent) bool {
			return t.Refuse != nil && t.Refuse(e.Event)
		}) {
			return fmt.Errorf("write: %w", &projector.UnwritableError{Err: fmt.Errorf("a value does not fit")})
		}
		i.insert(b)
		if err := t.point("after " + i.name); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tables) point(name string) error {
	if t.Fail == nil {
		return nil
	}
	return t.Fail(name)
}

func (t *Tables) insertKeys(b *projector.Batch) {
	for _, e := range b.Events {
		if had, there := t.keys[e.Event.Key()]; !there || e.Sequence < had {
			t.keys[e.Event.Key()] = e.Sequence
		}
	}
}

func (t *Tables) insertConversations(changes []projector.Change) {
	for _, c := range changes {
		after := c.After.Conversation
		if c.After.LastSequence() == 0 { // no events are left
			continue
		}
		put(t.conversations, sortKey{after.ConversationKey, after.BeganAt}, versioned[fold.Conversation]{row: after, version: after.LastSequence})
	}
}

// insertChanged inserts the rows that are not as they were before.
func insertChanged[R any](table map[rowKey]versioned[R], changes []projector.Change, rows func(*fold.Rows) []R, id func(*R) string) {
	for _, c := range changes {
		before := map[string]R{}
		if c.Before != nil {
			for _, row := range rows(c.Before) {
				before[id(&row)] = row
			}
		}
		for _, row := range rows(&c.After) {
			if had, there := before[id(&row)]; !there || !reflect.DeepEqual(had, row) {
				put(table, rowKey{c.After.Conversation.ConversationKey, id(&row)}, versioned[R]{row: row, version: c.After.Conversation.LastSequence})
			}
		}
	}
}

func (t *Tables) insertContacts(changes []projector.Change) {
	insertChanged(t.contacts, changes, func(r *fold.Rows) []fold.Contact { return r.Contacts },
		func(c *fold.Contact) string { return c.ID })
}

// insertMessages keeps the text of a message whose row has none, unless it is deleted.
func (t *Tables) insertMessages(changes []projector.Change) {
	for i := range changes {
		rows := slices.Clone(changes[i].After.Messages)
		for j := range rows {
			if m := &rows[j]; m.Text == nil && m.DeletedAt == nil {
				m.Text = t.messages[rowKey{changes[i].After.Conversation.ConversationKey, m.ID}].row.Text
			}
		}
		changes[i].After.Messages = rows
	}
	insertChanged(t.messages, changes, func(r *fold.Rows) []fold.Message { return r.Messages },
		func(m *fold.Message) string { return m.ID })
}

func (t *Tables) insertTransactions(changes []projector.Change) {
	insertChanged(t.transactions, changes, func(r *fold.Rows) []fold.Transaction { return r.Transactions },
		func(x *fold.Transaction) string { return x.ID })
}

// replace removes what other rows there are of replaced conversations, and what there is of
// withdrawn events.
func (t *Tables) replace(b *projector.Batch) {
	for _, c := range b.Changes {
		if !c.Replaces {
			continue
		}
		key := c.After.Conversation.ConversationKey
		maps.DeleteFunc(t.conversations, func(k sortKey, _ versioned[fold.Conversation]) bool { return k.ConversationKey == key })
		removeOf(t.contacts, key)
		removeOf(t.messages, key)
		removeOf(t.transactions, key)
		again := []projector.Change{{After: c.After}}
		t.insertConversations(again)
		t.insertContacts(again)
		t.insertMessages(again)
		t.insertTransactions(again)
	}
	for _, r := range b.Withdrawn {
		delete(t.events[r.Event.ConversationKey()], r.Sequence)
		if t.keys[r.Event.Key()] == r.Sequence {
			delete(t.keys, r.Event.Key())
		}
	}
}

func removeOf[R any](table map[rowKey]versioned[R], key schema.ConversationKey) {
	maps.DeleteFunc(table, func(k rowKey, _ versioned[R]) bool { return k.ConversationKey == key })
}

func (t *Tables) insertEvents(b *projector.Batch) {
	for _, e := range b.Events {
		key := e.Event.ConversationKey()
		if t.events[key] == nil {
			t.events[key] = map[schema.Sequence]projector.ArchivedEvent{}
		}
		t.events[key][e.Sequence] = e
	}
}

func (t *Tables) insertQuarantine(b *projector.Batch) {
	for _, r := range b.Quarantine {
		t.quarantine[entryKey{r.Log, r.Sequence}] = r
		if r.Gone {
			delete(t.quarantine, entryKey{r.Log, r.Sequence})
		}
	}
}

// Aside returns the conversations in quarantine.
func (t *Tables) Aside(context.Context) ([]projector.Aside, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []projector.Aside
	for _, r := range t.quarantine {
		if r.Log != projector.LogConversations {
			continue
		}
		key, err := projector.ParseAside(r.Original)
		if err != nil {
			return nil, err
		}
		list = append(list, projector.Aside{ConversationKey: key, Sequence: r.Sequence, Version: r.Version,
			Since: r.ReceivedAt.Time(), Reason: r.Reason})
	}
	return list, t.point("before reading what is set aside")
}

// Unwritable returns the events that were refused.
func (t *Tables) Unwritable(_ context.Context, log string) ([]projector.Rejection, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []projector.Rejection
	for _, r := range t.quarantine {
		if r.Log == log && r.Reason == schema.CodeUnwritable {
			list = append(list, projector.Rejection{Log: log, Sequence: r.Sequence, Reason: r.Reason, Source: r.Source, EventID: r.EventID})
		}
	}
	slices.SortFunc(list, func(a, b projector.Rejection) int { return cmp.Compare(b.Sequence, a.Sequence) })
	return list[:min(len(list), projector.MostUnwritable)], t.point("before reading what was refused")
}

// Release asks for all conversations that are set aside to be taken back.
func (t *Tables) Release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, r := range t.quarantine {
		if r.Log == projector.LogConversations {
			r.Reason = schema.CodeReleased
			t.quarantine[key] = r
		}
	}
}

// AskAgain asks for the rows of conversations that have events, as a repair does.
func (t *Tables) AskAgain(keys ...schema.ConversationKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, key := range keys {
		original := fmt.Appendf(nil, `{"projectid":%d,"subject":%q}`, key.Project, key.Conversation)
		sequence := schema.Sequence(i + 1)
		t.quarantine[entryKey{projector.LogConversations, sequence}] = projector.Rejection{
			Log: projector.LogConversations, Sequence: sequence, Reason: schema.CodeDiffers, Original: original, Version: 1,
		}
	}
}

// Doubt does nothing: nothing is remembered.
func (t *Tables) Doubt() {}

func (t *Tables) insertPosition(b *projector.Batch) {
	t.positions[b.Log] = max(t.positions[b.Log], b.Position)
	if b.Position == t.positions[b.Log] {
		t.origins[b.Log] = b.Origin
	}
	if b.Log == projector.LogEvents {
		t.noticeDoubles()
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// noticeDoubles looks for conversations of which a reader sees two rows.
func (t *Tables) noticeDoubles() {
	seen := map[schema.ConversationKey]bool{}
	for key := range t.conversations {
		if seen[key.ConversationKey] {
			t.doubled = fmt.Sprint(key.ConversationKey)
		}
		seen[key.ConversationKey] = true
	}
}

// Recall returns the archived events of conversations, in log order.
func (t *Tables) Recall(_ context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]projector.ArchivedEvent, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := map[schema.ConversationKey][]projector.ArchivedEvent{}
	for _, key := range keys {
		if t.LargeToRead != nil && t.LargeToRead(key) && len(t.events[key]) > 0 {
			return nil, fmt.Errorf("recall: %w", &projector.TooLargeError{Err: fmt.Errorf("no memory")})
		}
		for _, e := range t.events[key] {
			found[key] = append(found[key], e)
		}
		slices.SortFunc(found[key], func(a, b projector.ArchivedEvent) int { return cmp.Compare(a.Sequence, b.Sequence) })
		if len(found[key]) == 0 {
			delete(found, key)
		}
	}
	return found, t.point("before recalling")
}

// Larger returns the conversations with more events than so many.
func (t *Tables) Larger(_ context.Context, keys []schema.ConversationKey, most int) ([]schema.ConversationKey, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var large []schema.ConversationKey
	for _, key := range keys {
		if len(t.events[key]) > most {
			large = append(large, key)
		}
	}
	return large, t.point("before counting events")
}

// Piece returns a part of the events of a conversation.
func (t *Tables) Piece(ctx context.Context, piece projector.Piece) ([]schema.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.LargeToRead != nil && t.LargeToRead(piece.ConversationKey) {
		return nil, fmt.Errorf("read a piece: %w", &projector.TooLargeError{Err: fmt.Errorf("no memory")})
	}
	records := t.within(piece)
	slices.SortFunc(records, func(a, b schema.Record) int { return cmp.Compare(a.Sequence, b.Sequence) })
	if piece.Most > 0 {
		records = records[:min(len(records), piece.Most)]
	}
	return records, errors.Join(ctx.Err(), t.point("before reading a piece"))
}

func (t *Tables) within(piece projector.Piece) (records []schema.Record) {
	for _, e := range t.events[piece.ConversationKey] {
		if e.Sequence > piece.After && e.Sequence <= piece.UpTo && e.Event.Time > piece.Later && e.Event.Time <= piece.Until {
			records = append(records, e.Record)
		}
	}
	return records
}

// Pieces cuts the events of a conversation into pieces.
func (t *Tables) Pieces(ctx context.Context, piece projector.Piece, about int) ([]projector.Piece, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var pieces []projector.Piece
	records := t.within(piece)
	slices.SortFunc(records, func(a, b schema.Record) int { return cmp.Compare(a.Event.Time, b.Event.Time) })
	for later := piece.Later; len(records) > 0; {
		n := min(about, len(records))
		for n < len(records) && records[n].Event.Time == records[n-1].Event.Time {
			n++
		}
		next := piece
		next.Later, next.Until = later, records[n-1].Event.Time
		pieces = append(pieces, next)
		later, records = next.Until, records[n:]
	}
	return pieces, errors.Join(ctx.Err(), t.point("before cutting into pieces"))
}

// Known returns the lowest sequence under which each key was written.
func (t *Tables) Known(_ context.Context, keys []schema.EventKey) (map[schema.EventKey]schema.Sequence, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := map[schema.EventKey]schema.Sequence{}
	for _, key := range keys {
		if sequence, there := t.keys[key]; there {
			known[key] = sequence
		}
	}
	return known, t.point("before looking up keys")
}

// Messages returns the messages wanted of each conversation.
func (t *Tables) Messages(_ context.Context, wanted map[schema.ConversationKey]fold.Wanted) (map[schema.ConversationKey][]fold.Message, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if newest := highest(t.messages); newest > t.positions[projector.LogEvents] {
		return nil, fmt.Errorf("messages were asked for while rows are ahead of the position, up to %d", newest)
	}
	found := map[schema.ConversationKey][]fold.Message{}
	for key := range wanted {
		found[key] = []fold.Message{}
	}
	for row, m := range t.messages {
		w := wanted[row.ConversationKey]
		if slices.Contains(w.IDs, row.id) || m.row.Position >= w.From && m.row.Position < w.To {
			found[row.ConversationKey] = append(found[row.ConversationKey], m.row)
		}
	}
	return found, t.point("before looking up messages")
}

// highest is the highest version of a table's rows.
func highest[K comparable, R any](table map[K]versioned[R]) schema.Sequence {
	var version schema.Sequence
	for _, row := range table {
		version = max(version, row.version)
	}
	return version
}

// changes are the changes of a batch: of a contested one, and of one that replaces, all rows.
func changes(b *projector.Batch) []projector.Change {
	list := slices.Clone(b.Changes)
	for i := range list {
		if b.Contested || list[i].Replaces {
			list[i].Before = nil
		}
	}
	return list
}
