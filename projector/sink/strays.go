package sink

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/schema"
)

// replacement is what a batch replaces: see [projector.Change] and [projector.Batch].
type replacement struct {
	conversations []schema.ConversationKey
	customers     []customerKey // of these conversations, or formerly of them
	withdrawn     []schema.Record
}

type customerKey struct {
	project schema.ProjectID
	id      string
}

// note adds a conversation with its rows.
func (r *replacement) note(rows *fold.Rows) {
	key := rows.Conversation.ConversationKey
	r.conversations = append(r.conversations, key)
	for _, id := range rows.Visitors {
		r.customers = append(r.customers, customerKey{key.Project, id})
	}
	if c := rows.Customer; c != nil {
		r.customers = append(r.customers, customerKey{key.Project, c.ID})
	}
}

// straysAtOnce is how many rows one statement removes.
const straysAtOnce = 500

// place is where a row is, with its version.
type place struct {
	schema.ConversationKey
	id      string
	version schema.Sequence
}

// swept is a table with rows of conversations.
type swept interface {
	sweep(ctx context.Context, s *Sink, keys []schema.ConversationKey) ([]place, error)
}

// sweptTable tells where the rows of a table are: id identifies one in its conversation, as an
// expression in SQL, and place is the same of a row that waits.
type sweptTable[R any] struct {
	*table[R]
	id    string
	place func(*R) place
}

func sweptBy[R any](t *table[cells.Detail[R]], id string, of func(*R) string) swept {
	return sweptTable[cells.Detail[R]]{t, id, func(d *cells.Detail[R]) place {
		return place{d.ConversationKey, of(d.Row), d.Version}
	}}
}

// began is when a conversation began, which is in the sort keys of some tables.
const began = "toString(toUnixTimestamp64Milli(_began_at))"

func beganAt(at schema.Timestamp) string { return strconv.FormatInt(int64(at), 10) }

// sweptByBeginning is sweptBy for a table that is sorted by when the conversation began.
func sweptByBeginning[R any](t *table[cells.Detail[R]], id string, of func(*R) string) swept {
	return sweptTable[cells.Detail[R]]{t, "concat(" + began + ", ' ', " + id + ")", func(d *cells.Detail[R]) place {
		return place{d.ConversationKey, beganAt(d.BeganAt) + " " + of(d.Row), d.Version}
	}}
}

// swept are the tables without those of customers.
func (s *Sink) swept() []swept {
	conversation := func(r *cells.Conversation) place {
		return place{r.Conversation.ConversationKey, beganAt(r.Conversation.BeganAt), r.Version}
	}
	message := func(m *fold.Message) string { return m.ID }
	all := []swept{
		sweptTable[cells.Conversation]{s.conversations, began, conversation},
		sweptBy(s.contacts, "contact_id", func(c *cells.ContactWithTraits) string { return c.ID }),
		sweptByBeginning(s.transactions, "transaction_id", func(t *fold.Transaction) string { return t.ID }),
		sweptByBeginning(s.messages, "message_id", message),
		sweptBy(s.visitors, "''", func(*schema.Visitor) string { return "" }),
		sweptBy(s.sellers, "seller_id", func(v *seller) string { return v.ID }),
	}
	if s.options.StoreText { // otherwise no rows of texts are written
		all = append(all, sweptBy(s.texts, "message_id", message))
	}
	return all
}

// sweptCustomers are the tables that rows of customers are made of, whose id is that of a customer.
func (s *Sink) sweptCustomers() []swept {
	return []swept{
		sweptBy(s.visits, "customer_id", func(v *visit) string { return v.customer }),
		sweptBy(s.profiles, "customer_id", func(c *fold.Customer) string { return c.ID }),
	}
}

// straysOf is the stage that removes the rows of replaced conversations that the rows written
// by the stage before do not replace: those with other keys, and those with higher versions.
type straysOf struct{ *Sink }

func (straysOf) bind(string, map[string]map[string]string) error { return nil }
func (straysOf) prepare() error                                  { return nil }
func (o straysOf) clear()                                        { o.replaced = replacement{} }

func (o straysOf) send(ctx context.Context, _ driver.Conn) error {
	r := &o.replaced
	for some := range slices.Chunk(r.conversations, recallAtOnce) {
		for _, t := range o.swept() {
			if _, err := t.sweep(ctx, o.Sink, some); err != nil {
				return err
			}
		}
		for _, t := range o.sweptCustomers() {
			strays, err := t.sweep(ctx, o.Sink, some)
			if err != nil {
				return err
			}
			for _, row := range strays {
				r.customers = append(r.customers, customerKey{row.Project, row.id})
			}
		}
	}
	return o.withdraw(ctx, r.withdrawn)
}

// sweep removes the strays of a table, and returns where they were. Where one with a higher version
// than its successor was removed, a merge may have taken that one away, so it is written again.
func (t sweptTable[R]) sweep(ctx context.Context, s *Sink, keys []schema.ConversationKey) ([]place, error) {
	type identity struct {
		schema.ConversationKey
		id string
	}
	written := map[identity]schema.Sequence{}
	for i := range t.rows {
		p := t.place(&t.rows[i])
		written[identity{p.ConversationKey, p.id}] = p.version
	}
	var strays []place
	again := false
	err := t.places(ctx, s, keys, func(p place) {
		version, expected := written[identity{p.ConversationKey, p.id}]
		if !expected || p.version > version {
			strays = append(strays, p)
			again = again || expected
		}
	})
	if err == nil {
		err = t.remove(ctx, s, strays)
	}
	if err == nil && again {
		err = t.send(ctx, s.conn)
	}
	if err != nil {
		return nil, fmt.Errorf("remove stray rows of %s: %w", t.name, err)
	}
	return strays, nil
}

// places calls do for all rows of some conversations.
func (t sweptTable[R]) places(ctx context.Context, s *Sink, keys []schema.ConversationKey, do func(place)) error {
	wanted, err := conversationsTableOf(keys)
	if err != nil {
		return err
	}
	rows, err := s.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), t.in(s.in(strayRowsSQL)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var project uint32
		var conversation, id string
		var version uint64
		if err := rows.Scan(&project, &conversation, &id, &version); err != nil {
			return err
		}
		key := schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(conversation)}
		do(place{key, id, schema.Sequence(version)})
	}
	return rows.Err()
}

// remove deletes rows.
func (t sweptTable[R]) remove(ctx context.Context, s *Sink, strays []place) error {
	for some := range slices.Chunk(strays, straysAtOnce) {
		var projects []uint32
		var conversations, ids []string
		var versions []uint64
		for _, p := range some {
			projects, conversations = append(projects, uint32(p.Project)), append(conversations, string(p.Conversation))
			ids, versions = append(ids, p.id), append(versions, uint64(p.version))
		}
		err := s.conn.Exec(ctx, t.in(s.in(strayRowsDeleteSQL)), clickhouse.Named("projects", projects), clickhouse.Named("conversations", conversations),
			clickhouse.Named("ids", ids), clickhouse.Named("versions", versions))
		if err != nil {
			return err
		}
	}
	return nil
}

// withdraw removes events from the archive and from events_by_time, and their keys.
func (s *Sink) withdraw(ctx context.Context, events []schema.Record) error {
	for some := range slices.Chunk(events, straysAtOnce) {
		var projects []uint32
		var conversations []string
		var times []int64
		var keys, checks, sequences []uint64
		for i := range some {
			e := &some[i]
			h := hashOf(e.Event.Key())
			projects, conversations = append(projects, uint32(e.Event.Project)), append(conversations, string(e.Event.Conversation))
			keys, checks, sequences = append(keys, h.key), append(checks, h.check), append(sequences, uint64(e.Sequence))
			times = append(times, int64(e.Event.Time))
		}
		err := s.conn.Exec(ctx, s.in(withdrawnEventsDeleteSQL), clickhouse.Named("projects", projects),
			clickhouse.Named("conversations", conversations), clickhouse.Named("sequences", sequences))
		if err == nil {
			err = s.conn.Exec(ctx, s.in(withdrawnEventsByTimeDeleteSQL), clickhouse.Named("projects", projects),
				clickhouse.Named("times", times), clickhouse.Named("sequences", sequences))
		}
		if err == nil {
			err = s.conn.Exec(ctx, s.in(withdrawnKeysDeleteSQL), clickhouse.Named("keys", keys),
				clickhouse.Named("checks", checks), clickhouse.Named("sequences", sequences))
		}
		if err != nil {
			return fmt.Errorf("withdraw %d events: %w", len(events), err)
		}
	}
	return nil
}

// replaceCustomers computes customers again, as of a position, whether rows of them are new or not,
// and removes rows of a batch beyond it.
func (s *Sink) replaceCustomers(ctx context.Context, position schema.Sequence, customers []customerKey) error {
	for some := range slices.Chunk(customers, straysAtOnce) {
		if err := s.makeCustomers(ctx, position, some); err != nil { // first, so that there is never none
			return err
		}
		var projects []uint32
		var ids []string
		for _, c := range some {
			projects, ids = append(projects, uint32(c.project)), append(ids, c.id)
		}
		err := s.conn.Exec(ctx, s.in(strayCustomersDeleteSQL), clickhouse.Named("position", uint64(position)),
			clickhouse.Named("projects", projects), clickhouse.Named("customers", ids))
		if err != nil {
			return fmt.Errorf("replace %d customers: %w", len(customers), err)
		}
		if err := s.makeCustomers(ctx, position, some); err != nil { // a merge may have taken the first ones away
			return err
		}
	}
	return nil
}

// in inserts the table into a statement.
func (t sweptTable[R]) in(statement string) string {
	return strings.NewReplacer("$table", t.name, "$id", t.id).Replace(statement)
}

// conversationsTableOf is an external table of conversations.
func conversationsTableOf(keys []schema.ConversationKey) (*ext.Table, error) {
	return wantedTable("conversation_id", keys, func(k schema.ConversationKey) (schema.ProjectID, string) { return k.Project, string(k.Conversation) })
}

// wantedTable is an external table of what has a project and an id.
func wantedTable[K any](id string, keys []K, of func(K) (schema.ProjectID, string)) (*ext.Table, error) {
	wanted, err := ext.NewTable("wanted", ext.Column("project_id", "UInt32"), ext.Column(id, "String"))
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		project, id := of(k)
		if err := wanted.Append(uint32(project), id); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}
