package main

import (
	"context"
	_ "embed" // the statement
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

//go:embed customers.sql
var customersSQL string

const (
	manyCustomers = 1_000_000
	// customersAtOnce is how many are written by one statement, as a batch of the
	// projector would.
	customersAtOnce = 50_000
)

// customers measures line k: pages of customers and one customer, at both endpoints
// that have them.
func (b *bench) customers(ctx context.Context) error {
	r, err := b.start(ctx, bothEngines)
	defer r.close()
	if err != nil {
		return err
	}
	live, err := r.tables.Live(ctx)
	if err != nil {
		return err
	}
	for from := 0; from < manyCustomers; from += customersAtOnce {
		statement := strings.NewReplacer("$projection", ddl.ProjectionDatabase(live),
			"$from", strconv.Itoa(from), "$count", strconv.Itoa(customersAtOnce)).Replace(customersSQL)
		if err := r.tables.Conn().Exec(ctx, statement); err != nil {
			return fmt.Errorf("write customers: %w", err)
		}
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	client, err := plainClient(connections)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	documents, err := w.ofCustomers(ctx)
	if err != nil {
		return err
	}
	for _, d := range documents {
		ours, floor, statements, err := b.beside(ctx, w, client, d)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		most := 50.0
		if strings.HasPrefix(d.name, "one") {
			most = 10
		}
		for _, q := range []float64{0.5, 0.95} {
			f := latencies("k", fmt.Sprintf("%s customers: %s", number(manyCustomers), d.name), ours, fmt.Sprintf("its statements (%d)", statements), floor, q)
			b.report.add(f.goal(fmt.Sprintf("≤ %g ms", most), f.Ours.Median <= most))
		}
	}
	return nil
}

// ofCustomers are the documents of line k, at both endpoints; some begin far into the
// list.
func (w *web) ofCustomers(ctx context.Context) ([]document, error) {
	const (
		ours = `id externalId firstName lastName email phone notes ipAddress ipLocation customData { key value } type channels conversationCount
			ordersCount totalSpent { currency amount } createdAt updatedAt lastChatAt`
		theirs = `id shopId shopifyCustomerId firstName lastName email phone ipLocation ipAddress type channels ordersCount totalSpent createdAt updatedAt lastChatAt fullName`
	)
	var list []document
	for _, api := range []struct{ name, path, page, one string }{
		{"GraphQL", graphQLPath, "edges { node { " + ours + " } }", `{ customer(id: "v-500000", projectId: 3) { ` + ours + ` } }`},
		{"Chatty", chattyPath, "nodes { " + theirs + " }", `{ customer(id: "v-500000") { ` + theirs + ` } }`},
	} {
		page := func(name, arguments, more string) document {
			query := fmt.Sprintf("{ customers(%s) { %s pageInfo { startCursor } %s } }", arguments, api.page, more)
			return document{name: name + ", " + api.name, body: body(query), path: api.path}
		}
		last := page("the last 100", "last: 100", "")
		var end struct {
			Customers struct{ PageInfo struct{ StartCursor string } }
		}
		if err := w.asks(ctx, last, &end); err != nil {
			return nil, err
		}
		cursor := end.Customers.PageInfo.StartCursor
		list = append(list, page("the first 100", "first: 100", ""), last,
			page("100 after the 999,900th", fmt.Sprintf("first: 100, after: %q", cursor), ""),
			page("100 before the 999,900th", fmt.Sprintf("last: 100, before: %q", cursor), ""),
			page("the first 100 and totalCount", "first: 100", "totalCount"),
			document{name: "one customer, " + api.name, body: body(api.one), path: api.path})
	}
	return list, nil
}

// body is the body of a request without variables.
func body(query string) []byte {
	encoded, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		panic(err) // a string
	}
	return encoded
}
