package sink

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/fold/cells"
)

// Stage is a part of Write.
type Stage string

// The stages, in their order.
const (
	StageRows       Stage = "rows"
	StageStrays     Stage = "strays"
	StageCustomers  Stage = "customers"
	StageEvents     Stage = "events"
	StageKeys       Stage = "keys"
	StageQuarantine Stage = "quarantine"
	StagePosition   Stage = "position"
)

// stages returns the tables of each stage, in steps: a step is on disk before the next begins. Stages of one step, and inserts of one
// stage, may run in any order.
func (s *Sink) stages() [][]stage {
	return [][]stage{
		{{StageRows, []inserter{s.conversations, s.contacts, s.transactions, s.messages, s.texts, s.visitors, s.visits, s.profiles, s.sellers}}},
		{{StageStrays, []inserter{straysOf{s}}}},
		{
			{StageCustomers, []inserter{customersOf{s}}}, // reads what the steps before have written
			{StageEvents, []inserter{s.events, s.eventsByTime}},
		},
		{{StageKeys, []inserter{s.keys}}}, // after these: an event whose rows are rejected leaves no key behind
		{{StageQuarantine, []inserter{s.quarantine}}},
		{{StagePosition, []inserter{s.positions}}},
	}
}

type stage struct {
	name   Stage
	tables []inserter
}

func (s *Sink) tables() []inserter {
	var all []inserter
	for _, stage := range slices.Concat(s.stages()...) {
		all = append(all, stage.tables...)
	}
	return all
}

// Write stores a batch: see [projector.Sink].
func (s *Sink) Write(ctx context.Context, batch *projector.Batch) error {
	defer func() {
		for _, t := range s.tables() {
			t.clear()
		}
	}()
	s.fill(batch)
	if err := s.insert(ctx); err != nil {
		return fmt.Errorf("write %s up to %d: %w", batch.Log, batch.Position, classed(err))
	}
	if batch.Log == projector.LogEvents {
		s.written = batch.Position
	}
	return nil
}

// fill adds the rows of the batch to the tables.
func (s *Sink) fill(batch *projector.Batch) {
	for i := range batch.Events {
		e := &batch.Events[i]
		key := keyRow{hash: hashOf(e.Event.Key()), sequence: e.Sequence}
		s.keys.rows = append(s.keys.rows, key)
		s.seen.add(key.hash, e.Event.Conversation) // before the insert: a failed insert may still have been stored
	}
	for i := range batch.Changes {
		s.change(&batch.Changes[i], batch.Contested)
	}
	s.replaced.withdrawn = batch.Withdrawn
	s.events.rows, s.eventsByTime.rows = append(s.events.rows, batch.Events...), append(s.eventsByTime.rows, batch.Events...)
	s.quarantine.rows = append(s.quarantine.rows, batch.Quarantine...)
	s.positions.rows = append(s.positions.rows, positionRow{batch.Log, batch.Position, batch.Origin})
	if batch.Log == projector.LogEvents {
		s.positions.rows = append(s.positions.rows, positionRow{log: customersLog, sequence: batch.Position})
	}
}

// change adds the rows of a conversation that differ from before.
//
// In a contested batch another one may have written, or may write later, rows of a fold between
// before and after, or of a newer one. All rows are written then: each is at least as new as those
// of the folds that it contains, and one that is older than what is there changes nothing. So are all
// rows of a conversation that is replaced.
func (s *Sink) change(c *projector.Change, contested bool) {
	after, before := &c.After, c.Before
	if c.Replaces {
		contested = true
		s.replaced.note(after)
	}
	if before == nil || contested {
		before = &fold.Rows{}
	}
	o := cells.Owner{ConversationKey: after.Conversation.ConversationKey, BeganAt: after.Conversation.BeganAt, Version: after.LastSequence()}
	s.people(o, before, after, contested)
	if after.Empty() {
		return
	}
	s.conversations.rows = append(s.conversations.rows, cells.Conversation{Rows: after, Version: o.Version})

	of, contacts := cells.TraitsOf(after), before.Contacts
	if !reflect.DeepEqual(cells.TraitsOf(before), of) {
		contacts = nil
	}
	changed(contacts, after.Contacts, func(c *fold.Contact) string { return c.ID },
		func(c *fold.Contact) {
			s.contacts.rows = append(s.contacts.rows, cells.Contact{Owner: o, Row: &cells.ContactWithTraits{Contact: c, Of: of}})
		})
	changed(before.Transactions, after.Transactions, func(t *fold.Transaction) string { return t.ID },
		func(t *fold.Transaction) {
			s.transactions.rows = append(s.transactions.rows, cells.Transaction{Owner: o, Row: t})
		})
	changed(before.Messages, after.Messages, func(m *fold.Message) string { return m.ID },
		func(m *fold.Message) {
			s.messages.rows = append(s.messages.rows, cells.Message{Owner: o, Row: m})
			if s.options.StoreText && (m.Text != nil || m.DeletedAt != nil) {
				s.texts.rows = append(s.texts.rows, cells.Message{Owner: o, Row: m})
			}
		})
	if v := after.Conversation.Visitor; v != nil {
		if earlier := before.Conversation.Visitor; earlier == nil || !same(earlier, v) {
			s.visitors.rows = append(s.visitors.rows, cells.Visitor{Owner: o, Row: v})
		}
	}
}

// insert writes the waiting rows step by step. All blocks are encoded before the first is sent,
// so that a value that a column rejects leaves no part of the batch behind.
func (s *Sink) insert(ctx context.Context) error {
	var preparing errgroup.Group
	for _, t := range s.tables() {
		preparing.Go(t.prepare)
	}
	if err := preparing.Wait(); err != nil {
		return err
	}
	for _, step := range s.stages() {
		var sending errgroup.Group
		for _, stage := range step {
			sending.Go(func() error { return s.send(ctx, stage) })
		}
		if err := sending.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// send writes a stage.
func (s *Sink) send(ctx context.Context, stage stage) error {
	if s.options.Allowed != nil {
		if err := s.options.Allowed(); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
	}
	var sending errgroup.Group
	for _, t := range stage.tables {
		sending.Go(func() error { return t.send(ctx, s.conn) })
	}
	if err := sending.Wait(); err != nil {
		return fmt.Errorf("%s: %w", stage.name, err)
	}
	if s.options.After == nil {
		return nil
	}
	return s.options.After(stage.name)
}

// customersOf is the stage that makes the rows of customers of what the stages before have written.
type customersOf struct{ *Sink }

func (c customersOf) bind(database string, types map[string]map[string]string) error {
	return c.customers.bind(database, types)
}
func (customersOf) prepare() error { return nil }
func (customersOf) clear()         {}

// send makes the customers that the batch affects, if any.
func (c customersOf) send(ctx context.Context, _ driver.Conn) error {
	position := c.positions.rows[len(c.positions.rows)-1].sequence
	if err := c.makeCustomers(ctx, position, c.touched()); err != nil {
		return err
	}
	return c.replaceCustomers(ctx, position, c.replaced.customers)
}
