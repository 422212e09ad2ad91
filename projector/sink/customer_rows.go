package sink

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/schema"
)

// customersAtOnce is how many customers are made at once. What is read of each is bounded, but for the custom data of its profile.
const customersAtOnce = 2000

// customer is the row of a customer, or the mark that it stands elsewhere now.
type customer struct {
	customerKey
	kind        schema.CustomerType
	channels    []string
	orders      uint32
	orderCounts map[schema.Currency]uint32
	spent       map[schema.Currency]decimal.Decimal
	created     schema.Timestamp
	updated     schema.Timestamp
	lastChat    *schema.Timestamp

	externalID, firstName, lastName, email, phone, notes, ipAddress, ipLocation *string

	customData    []schema.CustomValue
	conversations uint32
	events        uint32
	lowest        uint64
	highest       uint64
	position      schema.Sequence
	deleted       bool
}

func customersTable() *table[customer] {
	type row = customer
	return tableOf("customers", []cells.Column[row]{
		cells.Number("project_id", func(c *row) uint32 { return uint32(c.project) }),
		cells.Text("customer_id", func(c *row) string { return c.id }),
		cells.Word("type", func(c *row) schema.CustomerType { return c.kind }),
		cells.List("channels", func(c *row) []string { return c.channels }, cells.Word("", func(s *string) string { return *s })),
		cells.Number("conversation_count", func(c *row) uint32 { return c.conversations }),
		cells.Number("orders_count", func(c *row) uint32 { return c.orders }),
		cells.TransactionCounts("order_counts", func(c *row) map[schema.Currency]uint32 { return c.orderCounts }),
		cells.Revenue("total_spent", func(c *row) map[schema.Currency]decimal.Decimal { return c.spent }),
		cells.Moment("created_at", func(c *row) schema.Timestamp { return c.created }),
		cells.Moment("updated_at", func(c *row) schema.Timestamp { return c.updated }),
		cells.MomentOrNull("last_chat_at", func(c *row) *schema.Timestamp { return c.lastChat }),
		cells.TextOrNull("external_id", func(c *row) *string { return c.externalID }),
		cells.TextOrNull("first_name", func(c *row) *string { return c.firstName }),
		cells.TextOrNull("last_name", func(c *row) *string { return c.lastName }),
		cells.TextOrNull("email", func(c *row) *string { return c.email }),
		cells.TextOrNull("phone", func(c *row) *string { return c.phone }),
		cells.TextOrNull("notes", func(c *row) *string { return c.notes }),
		cells.TextOrNull("ip_address", func(c *row) *string { return c.ipAddress }),
		cells.TextOrNull("ip_location", func(c *row) *string { return c.ipLocation }),
		cells.Pairs("custom_data", func(c *row) []schema.CustomValue { return c.customData },
			cells.Text("", func(v *schema.CustomValue) string { return v.Key }), cells.Text("", func(v *schema.CustomValue) string { return v.Value })),
		cells.Number("event_count", func(c *row) uint32 { return c.events }),
		cells.Number("first_sequence", func(c *row) uint64 { return c.lowest }),
		cells.Number("last_sequence", func(c *row) uint64 { return c.highest }),
		cells.Number("_version", func(c *row) uint64 { return uint64(c.position) }),
		cells.Number("_deleted", func(c *row) uint8 {
			if c.deleted {
				return 1
			}
			return 0
		}),
	})
}

// touched are the customers of the rows of the batch, each once.
func (s *Sink) touched() []customerKey {
	keys := make([]customerKey, 0, len(s.visits.rows)+len(s.profiles.rows))
	for i := range s.visits.rows {
		keys = append(keys, customerKey{s.visits.rows[i].Project, s.visits.rows[i].Row.customer})
	}
	for i := range s.profiles.rows {
		keys = append(keys, customerKey{s.profiles.rows[i].Project, s.profiles.rows[i].Row.ID})
	}
	slices.SortFunc(keys, func(a, b customerKey) int { return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.id, b.id)) })
	return slices.Compact(keys)
}

// makeCustomers makes the rows of some customers, as of a position. It may be repeated.
func (s *Sink) makeCustomers(ctx context.Context, position schema.Sequence, keys []customerKey) error {
	for some := range slices.Chunk(keys, customersAtOnce) {
		m := customerMaker{sink: s, position: position, shares: map[customerKey]*share{}, places: map[customerKey][]schema.Timestamp{}}
		if err := m.makeAll(ctx, some); err != nil {
			return fmt.Errorf("%d customers up to %d: %w", len(some), position, err)
		}
	}
	return nil
}

// customerMaker makes the rows of some customers.
type customerMaker struct {
	sink     *Sink
	position schema.Sequence
	shares   map[customerKey]*share
	places   map[customerKey][]schema.Timestamp // where rows stand: their created_at
	bytes    int                                // of custom data in the rows that wait
}

// makeAll makes the customers that have a profile while these come in, and then the others, so that few profiles are in
// memory at once: a sender may give each almost a megabyte of custom data.
func (m *customerMaker) makeAll(ctx context.Context, keys []customerKey) error {
	defer m.sink.customers.clear()
	both, together := errgroup.WithContext(ctx)
	both.Go(func() error { return m.readShares(together, keys) })
	both.Go(func() error { return m.readPlaces(together, keys) })
	if err := both.Wait(); err != nil {
		return err
	}
	described := map[customerKey]bool{}
	err := m.read(ctx, customersProfilesSQL, keys, func(rows driver.Rows) error {
		var key customerKey
		p := &profile{}
		err := rows.Scan((*uint32)(&key.project), &key.id, &p.created, &p.updated, &p.externalID, &p.firstName, &p.lastName, &p.email, &p.phone,
			&p.ipAddress, &p.ipLocated, &p.notes, &p.kind, &p.customData, &p.cleared, &p.events, &p.lowest, &p.highest)
		if err != nil {
			return err
		}
		described[key] = true
		return m.add(ctx, key, p)
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if described[key] {
			continue
		}
		if err := m.add(ctx, key, nil); err != nil {
			return err
		}
	}
	return m.send(ctx)
}

// add adds the rows of a customer to those that wait, and sends them if they are many.
func (m *customerMaker) add(ctx context.Context, key customerKey, about *profile) error {
	m.sink.customers.rows = m.rows(key, about, m.sink.customers.rows)
	if about != nil {
		for name, value := range about.customData {
			m.bytes += len(name) + len(value)
		}
	}
	if m.bytes < mostBlockBytes {
		return nil
	}
	return m.send(ctx)
}

// send inserts the rows that wait.
func (m *customerMaker) send(ctx context.Context) error {
	t := m.sink.customers
	err := t.prepare()
	if err == nil {
		err = t.send(ctx, m.sink.conn)
	}
	t.clear()
	m.bytes = 0
	return err
}

// share is what the conversations of a customer add up to.
type share struct {
	conversations, orders, events      uint32
	orderCounts                        map[string]uint64
	spent                              map[string]decimal.Decimal
	used                               map[string]time.Time // channels, and when each was used first
	created, updated                   time.Time
	lastChat                           *time.Time
	externalID, firstName, lastName    *string
	email, phone, ipAddress, ipLocated *string
	lowest, highest                    uint64
}

// profile is what profile events say about a customer.
type profile struct {
	created, updated                   time.Time
	externalID, firstName, lastName    *string
	email, phone, ipAddress, ipLocated *string
	notes, kind                        *string
	customData                         map[string]string
	cleared                            []string
	events                             uint32
	lowest, highest                    uint64
}

// read calls do with each row of a statement about some customers.
func (m *customerMaker) read(ctx context.Context, statement string, keys []customerKey, do func(driver.Rows) error) error {
	wanted, err := wantedTable("customer_id", keys, func(k customerKey) (schema.ProjectID, string) { return k.project, k.id })
	if err != nil {
		return err
	}
	rows, err := m.sink.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), m.sink.in(statement))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (m *customerMaker) readShares(ctx context.Context, keys []customerKey) error {
	return m.read(ctx, customersSharesSQL, keys, func(rows driver.Rows) error {
		var key customerKey
		v := &share{}
		err := rows.Scan((*uint32)(&key.project), &key.id, &v.conversations, &v.orders, &v.orderCounts, &v.spent, &v.used, &v.created, &v.updated, &v.lastChat,
			&v.externalID, &v.firstName, &v.lastName, &v.email, &v.phone, &v.ipAddress, &v.ipLocated, &v.events, &v.lowest, &v.highest)
		m.shares[key] = v
		return err
	})
}

func (m *customerMaker) readPlaces(ctx context.Context, keys []customerKey) error {
	return m.read(ctx, customersPlacesSQL, keys, func(rows driver.Rows) error {
		var key customerKey
		var created time.Time
		err := rows.Scan((*uint32)(&key.project), &key.id, &created)
		m.places[key] = append(m.places[key], schema.TimestampOf(created))
		return err
	})
}

// rows appends the row of a customer, unless there are no events, and the marks of places in which it stands no longer.
func (m *customerMaker) rows(key customerKey, about *profile, rows []customer) []customer {
	c := customer{customerKey: key, position: m.position}
	from := m.shares[key]
	if from != nil {
		c.add(from)
	}
	if about != nil {
		c.describe(about, from == nil)
	}
	switch {
	case about != nil && about.kind != nil:
		c.kind = schema.CustomerType(*about.kind)
	case c.externalID != nil || c.orders > 0:
		c.kind = schema.CustomerRegistered
	case c.firstName != nil || c.lastName != nil || c.email != nil || c.phone != nil:
		c.kind = schema.CustomerGuest
	default:
		c.kind = schema.CustomerVisitor
	}
	none := from == nil && about == nil
	if !none {
		rows = append(rows, c)
	}
	for _, at := range m.places[key] {
		if none || at != c.created {
			rows = append(rows, customer{customerKey: key, kind: c.kind, created: at, position: m.position, deleted: true})
		}
	}
	return rows
}

// add takes over what the conversations add up to.
func (c *customer) add(s *share) {
	c.conversations, c.orders, c.events, c.lowest, c.highest = s.conversations, s.orders, s.events, s.lowest, s.highest
	c.created, c.updated = schema.TimestampOf(s.created), schema.TimestampOf(s.updated)
	if s.lastChat != nil {
		c.lastChat = new(schema.TimestampOf(*s.lastChat))
	}
	c.channels = slices.SortedFunc(maps.Keys(s.used), func(a, b string) int { return cmp.Or(s.used[a].Compare(s.used[b]), cmp.Compare(a, b)) })
	c.orderCounts, c.spent = map[schema.Currency]uint32{}, map[schema.Currency]decimal.Decimal{}
	for currency, n := range s.orderCounts {
		c.orderCounts[schema.Currency(currency)] = uint32(n)
	}
	for currency, sum := range s.spent {
		c.spent[schema.Currency(currency)] = sum
	}
	c.externalID, c.firstName, c.lastName, c.email, c.phone = s.externalID, s.firstName, s.lastName, s.email, s.phone
	c.ipAddress, c.ipLocation = s.ipAddress, s.ipLocated
}

// describe adds the profile: what it says goes before the openings, and what it has cleared is in none.
func (c *customer) describe(p *profile, alone bool) {
	if alone {
		c.created, c.lowest = schema.TimestampOf(p.created), p.lowest
	}
	c.lowest, c.highest, c.events = min(c.lowest, p.lowest), max(c.highest, p.highest), c.events+p.events
	c.updated = max(c.updated, schema.TimestampOf(p.updated))
	for _, v := range []struct {
		member   string
		own, its **string
	}{
		{"externalId", &c.externalID, &p.externalID}, {"firstName", &c.firstName, &p.firstName}, {"lastName", &c.lastName, &p.lastName},
		{"email", &c.email, &p.email}, {"phone", &c.phone, &p.phone}, {"ipAddress", &c.ipAddress, &p.ipAddress}, {"ipLocation", &c.ipLocation, &p.ipLocated},
	} {
		switch {
		case slices.Contains(p.cleared, v.member):
			*v.own = nil
		case *v.its != nil:
			*v.own = *v.its
		}
	}
	c.notes = p.notes
	for _, key := range slices.Sorted(maps.Keys(p.customData)) {
		c.customData = append(c.customData, schema.CustomValue{Key: key, Value: p.customData[key]})
	}
}

// catchUpCustomers computes what an older binary or an erasure has left: all rows, if no position was written.
func (s *Sink) catchUpCustomers(ctx context.Context, stored schema.Sequence) error {
	at, err := s.position(ctx, customersLog)
	if err != nil || at >= stored {
		return err
	}
	for _, table := range []string{s.visits.name, s.profiles.name} {
		for last := (customerKey{}); ; {
			keys, err := s.touchedSince(ctx, table, at, last)
			if err == nil {
				err = s.makeCustomers(ctx, stored, keys)
			}
			if err != nil {
				return err
			}
			if len(keys) < customersAtOnce {
				break
			}
			last = keys[len(keys)-1]
		}
	}
	s.positions.rows = append(s.positions.rows, positionRow{log: customersLog, sequence: stored})
	defer s.positions.clear()
	if err := s.positions.prepare(); err != nil {
		return err
	}
	return s.positions.send(ctx, s.conn)
}

// touchedSince returns the next customers of whom a table has rows above a position.
func (s *Sink) touchedSince(ctx context.Context, table string, position schema.Sequence, last customerKey) (keys []customerKey, err error) {
	rows, err := s.conn.Query(ctx, strings.ReplaceAll(s.in(customersTouchedSQL), "$table", table), clickhouse.Named("after", uint64(position)),
		clickhouse.Named("project", uint32(last.project)), clickhouse.Named("customer", last.id), clickhouse.Named("most", uint32(customersAtOnce)))
	if err != nil {
		return nil, fmt.Errorf("customers since %d: %w", position, err)
	}
	defer rows.Close()
	for rows.Next() {
		var key customerKey
		if err := rows.Scan((*uint32)(&key.project), &key.id); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}
