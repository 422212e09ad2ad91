package store

import (
	"context"
	"crypto/sha256"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Customers implements query.CustomerReader.
//
// A page is looked for among the rows up to the 400th of the table, all
// versions counted: their keys are read in the order of the table, and only their
// granules are merged. Where these hold fewer rows than asked for and more follow,
// all are read: there are many versions of them.
func (s *Store) Customers(ctx context.Context, scope query.Scope, page query.Page, columns []string) ([]query.CustomerRow, error) {
	keys := func(prefix string) *conditions {
		c := within(prefix, scope.Projects)
		c.add("created_at >= "+moment, int64(0))
		c.keyset(page, "created_at", "project_id, customer_id")
		return c
	}
	find := func(statement string) *statement {
		return newStatement(statement, scope).where("keys", keys("a")).
			with("order", order(page, "toMonday(created_at)", "created_at", "project_id", "customer_id")). // as the table is sorted
			bind("limit", uint32(page.Limit))
	}
	upTo := "created_at <= ifNull(edge, toDateTime64('2299-12-31', 3, 'UTC'))"
	if page.Reversed() {
		upTo = "created_at >= ifNull(edge, toDateTime64('1970-01-01', 3, 'UTC'))"
	}
	near, err := readColumns(ctx, s, find("customers_near").where("near", keys("b")).with("up_to", upTo), nearColumns(columns))
	if err == nil && len(near) < page.Limit && (len(near) == 0 || near[0].more) {
		return s.customers(ctx, find("customers"), columns)
	}
	rows := make([]query.CustomerRow, len(near))
	for i, row := range near {
		rows[i] = row.CustomerRow
	}
	return rows, err
}

// nearRow is a customer, and whether there are rows beyond those it was looked for among.
type nearRow struct {
	query.CustomerRow
	more bool
}

func nearColumns(fields []string) []column[nearRow] {
	columns := []column[nearRow]{{"", "isNotNull(edge)", func(r *nearRow) any { return &r.more }}}
	for _, c := range columnsOf(customerColumns(), fields) {
		columns = append(columns, column[nearRow]{c.field, c.sql, func(r *nearRow) any { return c.into(&r.CustomerRow) }})
	}
	return columns
}

// CountCustomers implements query.CustomerReader.
//
// Counting a million customers takes a quarter of a second, and clients ask for the
// number with every page: it is read again once the position has moved.
func (s *Store) CountCustomers(ctx context.Context, scope query.Scope) (uint64, error) {
	position, err := s.Position(ctx, scope.Projection)
	if err != nil {
		return 0, err
	}
	keys := within("a", scope.Projects)
	keys.add("created_at >= "+moment, int64(0))
	st := newStatement("count_customers", scope).where("keys", keys)
	name := sha256.Sum256([]byte(st.key()))
	if known, found := s.counts.Get(name); found && known.at == position {
		return known.count, nil
	}
	n, err := readCount(ctx, s, st)
	if err == nil {
		s.counts.Add(name, counted{position, n})
	}
	return n, err
}

// counted is a number of rows, and the position it was read at.
type counted struct {
	at    schema.Sequence
	count uint64
}

// mostCounts is how many numbers are remembered.
const mostCounts = 1000

// CustomersNamed implements query.CustomerReader.
func (s *Store) CustomersNamed(ctx context.Context, scope query.Scope, id string, columns []string) ([]query.CustomerRow, error) {
	keys := within("a", scope.Projects)
	keys.add("customer_id = {$:String}", id)
	st := newStatement("customers_by_id", scope).where("keys", keys).bind("limit", uint32(2))
	ctx = chgo.Context(ctx, chgo.WithSettings(chgo.Settings{
		"max_threads":    1,    // to start more takes longer than to read one row
		"max_block_size": 1024, // room for a granule of the table in every column
	}))
	return s.customers(ctx, st, columns)
}

// CustomersOf implements query.CustomerReader.
func (s *Store) CustomersOf(ctx context.Context, scope query.Scope, keys []query.CustomerKey, columns []string) ([]query.CustomerRow, error) {
	where := within("a", scope.Projects)
	projects, ids := split(keys)
	where.add("customer_id IN {$:Array(String)}", ids) // what the index is on
	where.add("(project_id, customer_id) IN arrayZip({$:Array(UInt32)}, {$:Array(String)})", projects, ids)
	st := newStatement("customers_by_id", scope).where("keys", where).bind("limit", uint32(len(keys)))
	return s.customers(ctx, st, columns)
}

// ConversationsOf implements query.ConversationReader.
func (s *Store) ConversationsOf(ctx context.Context, scope query.Scope, customers []query.CustomerKey, page query.Page, columns []string) ([]query.ConversationRow, error) {
	keys := within("a", scope.Projects)
	projects, ids := split(customers)
	keys.add("(project_id, customer_id) IN arrayZip({$:Array(UInt32)}, {$:Array(String)})", projects, ids)
	places := &conditions{prefix: "b"}
	places.keyset(page, "created_at", "project_id, conversation_id")
	st := newStatement("conversations_of", scope).
		where("keys", keys).where("places", places).
		with("order", order(page, "created_at", "project_id", "conversation_id")).
		bind("limit", uint32(page.Limit))
	return readColumns(ctx, s, st, columnsOf(conversationColumns(), columns))
}

func split(keys []query.CustomerKey) (projects []uint32, ids []string) {
	for _, key := range keys {
		projects, ids = append(projects, key.Project), append(ids, key.ID)
	}
	return projects, ids
}

func (s *Store) customers(ctx context.Context, st *statement, columns []string) ([]query.CustomerRow, error) {
	return readColumns(ctx, s, st, columnsOf(customerColumns(), columns))
}
