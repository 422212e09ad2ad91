package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// What the rows of concurrency.sql give: a row is a contact in a step in which it is open, between two moments, or in which it
// starts. The functions of ClickHouse count an interval up to its end, so one without length is in none of them.
const (
	startedCount = "countIf(begins >= slot)"
	handledTime  = "toInt64(sum(open_to - open_from))"
	busyTime     = "toInt64(intervalLengthSum(open_from, open_to))"
	mostOpen     = "toInt64(maxIntersections(open_from, open_to))"
	mostOpenAt   = "toInt64(maxIntersectionsPosition(open_from, open_to))"
)

// optional writes a value that may be none, as text.
func optional(value string) string { return "CAST(toString(" + value + "), 'Nullable(String)')" }

// Concurrency implements query.WorkloadReader.
func (s *Store) Concurrency(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, now schema.Timestamp, columns []string) ([]query.ConcurrencyFigures, error) {
	type row = query.ConcurrencyFigures
	st := concurrency(during("a", scope, interval, filter), scope, interval, grouping, now).
		with("steps", "arrayCumSum({steps:Array(Int64)})").bind("steps", lengths(grouping.Steps)).
		labelled(grouping, "_version").limited(grouping.Limit)
	return readColumns(ctx, s, st, columnsOf([]column[row]{
		{"", "slot", func(r *row) any { return &r.Step }},
		{"", optional("value"), func(r *row) any { return &r.Value1 }},
		{"label", "argMax(label, version)", func(r *row) any { return &r.Label1 }},
		{"label", "max(version)", func(r *row) any { return &r.Version }},
		{"contacts", startedCount, func(r *row) any { return &r.Started }},
		{"handleTimeMs", handledTime, func(r *row) any { return &r.Handled }},
		{"busyTimeMs", busyTime, func(r *row) any { return &r.Busy }},
		{"peak", mostOpen, func(r *row) any { return &r.Peak }},
		{"peakAt", mostOpenAt, func(r *row) any { return &r.PeakAt }},
	}, columns))
}

// concurrency is the statement of contacts that are open at the same time, without its columns and steps.
func concurrency(where *conditions, scope query.Scope, interval query.Interval, grouping query.Grouping, now schema.Timestamp) *statement {
	value := nothing
	if len(grouping.By) > 0 {
		value, _, _ = contactDimension(grouping.By[0]).in("1", false)
	}
	return newStatement("concurrency", scope).
		where("where", where).with("value1", value).
		bind("from", int64(interval.From)).bind("to", int64(interval.To)).bind("now", int64(now))
}

// Transfers implements query.WorkloadReader.
func (s *Store) Transfers(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping) ([]query.TransferFigures, error) {
	type row = query.TransferFigures
	st := transfers(started("a", scope, interval, filter), scope, interval, grouping).labelled(grouping, "_version").limited(grouping.Limit)
	return readColumns(ctx, s, st, []column[row]{
		{"", optional("from_value"), func(r *row) any { return &r.Value1 }},
		{"", "to_value", func(r *row) any { return &r.Value2 }},
		{"", "argMax(from_label, version)", func(r *row) any { return &r.Label1 }},
		{"", "argMax(to_label, version)", func(r *row) any { return &r.Label2 }},
		{"", "count()", func(r *row) any { return &r.Count }},
	})
}

// contactOf is a number of a contact, and one more that of the next one of its conversation. With one number, and one string to hash, the join
// takes three quarters of the time.
const contactOf = "reinterpretAsUInt128(sipHash128(conversation_id)) + (toUInt64(project_id) * 4294967296 + ordinal)"

// transfers is the statement of contacts that were transferred, and of the next ones, without its columns. A next contact does not
// start before the transferred one.
func transfers(where *conditions, scope query.Scope, interval query.Interval, grouping query.Grouping) *statement {
	next := within("n", scope.Projects)
	next.add("started_at >= "+moment, int64(interval.From))
	value, _, _ := contactDimension(grouping.By[0]).in("1", false)
	return newStatement("transfers", scope).with("contact", contactOf).with("value1", value).
		where("where", where).where("next", next)
}

// labelled fills in the name of a contact's dimension of one value, and the version of the row that has it.
func (s *statement) labelled(g query.Grouping, version string) *statement {
	label := nameless
	if len(g.By) > 0 {
		_, label, _ = contactDimension(g.By[0]).in("1", true)
	}
	return s.with("label1", label).with("version", version)
}

// limited ends a statement whose answer is read.
func (s *statement) limited(rows int) *statement {
	return s.with("end", "LIMIT {limit:UInt32}").bind("limit", uint32(rows))
}

// unlabelled leaves the name out.
func (s *statement) unlabelled() *statement { return s.with("label1", "NULL").with("version", "0") }

// with adds what the contacts of a publication have.
func with(c *conditions, p *query.Publication) *conditions {
	for _, v := range p.By {
		c.has(contactDimension(v.Name), v, nil)
	}
	return c
}

// PublishConcurrency implements query.WorkloadPublisher.
func (s *Store) PublishConcurrency(p *query.Publication, now schema.Timestamp) string {
	length := "(slot_end - slot)"
	columns := []string{
		startedCount + " AS contacts", startedCount + " * 3600000 / " + length + " AS contacts_per_hour",
		handledTime + " AS handle_time_ms", busyTime + " AS busy_time_ms", handledTime + " / " + length + " AS average",
		handledTime + " / nullIf(" + busyTime + ", 0) AS average_while_busy",
		mostOpen + " AS peak", "if(peak > 0, fromUnixTimestamp64Milli(" + mostOpenAt + ", 'UTC'), NULL) AS peak_at",
	}
	keys := []string{"fromUnixTimestamp64Milli(slot, 'UTC') AS step"}
	order := []string{"slot"}
	for _, by := range p.Grouping.By {
		keys, order = append(keys, "value AS "+strings.ToLower(string(by))), append(order, "value")
	}
	st := concurrency(with(during("a", p.Scope, p.Interval, p.Filter), p), p.Scope, p.Interval, p.Grouping, now).unlabelled().
		with("steps", "{steps:Array(Int64)}").bind("steps", milliseconds(p.Grouping.Steps)).with("columns", selection(append(keys, columns...)))
	return st.with("end", "ORDER BY "+strings.Join(order, ", ")).published()
}

// PublishTransfers implements query.WorkloadPublisher.
func (s *Store) PublishTransfers(p *query.Publication) string {
	by := strings.ToLower(string(p.Grouping.By[0]))
	where := with(started("a", p.Scope, p.Interval, p.Filter), p)
	where.next(p.Next)
	return transfers(where, p.Scope, p.Interval, p.Grouping).unlabelled().
		with("columns", selection([]string{fmt.Sprintf("from_value AS from_%s", by), fmt.Sprintf("to_value AS to_%s", by), "count() AS transferred_contacts"})).
		with("end", "ORDER BY transferred_contacts DESC").published()
}
