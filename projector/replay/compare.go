package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Difference is one field of one row that differs from the expected value. If a row is missing or
// superfluous, Field is empty and one of the values says "row".
type Difference struct {
	Table    string
	Key      map[string]string // the row's key columns, as JSON
	Field    string
	Expected string
	Found    string
}

// String names the table, the key, the field and both values. Values of personal
// data are shown as they are: the report is for who may read the tables.
func (d Difference) String() string {
	var key []string
	for _, t := range tables.Compared() {
		if t.Name == d.Table {
			for _, column := range t.Key {
				key = append(key, strings.Trim(d.Key[column], `"`))
			}
		}
	}
	return fmt.Sprintf("%s %s: %s: expected %s, found %s",
		d.Table, strings.Join(key, "/"), d.Field, d.Expected, d.Found)
}

// Report is the outcome of a comparison.
type Report struct {
	Sequence    schema.Sequence   // the comparison holds at this sequence
	Rows        map[string]uint64 // compared, per table, as expected
	Moved       uint64            // conversations left out because the log has moved them on
	Differing   uint64            // rows that differ, are missing or too many
	Differences []Difference      // of the first rows, up to the given limit

	differing map[string][]tables.Owner // by table: the owners of differing rows
}

// settle is how long a batch may take to write its rows.
const settle = 300 * time.Millisecond

// Compare compares the tables of version found with those of version expected, at
// sequence upTo, which both have reached. Conversations that have changed in either since then are
// skipped. At most limit differing rows are listed; all are counted.
func Compare(ctx context.Context, t *tables.Tables, expected, found uint32, upTo schema.Sequence, scope tables.Scope, limit int) (*Report, error) {
	report := &Report{Sequence: upTo, Rows: map[string]uint64{}, differing: map[string][]tables.Owner{}}
	comparison := t.Compare(expected, found, upTo, scope)
	var err error
	if report.Moved, err = comparison.Moved(ctx); err != nil {
		return nil, fmt.Errorf("count conversations that changed: %w", err)
	}
	for _, table := range tables.Compared() {
		if table.Of == tables.OfLog && !scope.Everything() {
			continue
		}
		of, err := comparison.Table(ctx, table)
		if err == nil {
			err = compareTable(ctx, table, of, limit, report)
		}
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", table.Name, err)
		}
	}
	return report, nil
}

// compareTable counts the rows that differ and lists the first ones.
func compareTable(ctx context.Context, table tables.Table, of *tables.TableComparison, limit int, report *Report) error {
	rows, uneven, err := of.Buckets(ctx)
	if err != nil {
		return err
	}
	report.Rows[table.Name] += rows
	if len(uneven) == 0 {
		return nil
	}
	count, err := persistent(ctx, of, uneven)
	if err != nil || count == 0 {
		return err
	}
	report.Differing += count
	if report.differing[table.Name], err = of.Owners(ctx, uneven); err != nil || len(report.Differences) >= limit {
		return err
	}

	type pair struct{ expected, found map[string]json.RawMessage }
	pairs := map[string]*pair{}
	err = of.Spell(ctx, uneven, limit, func(expected bool, row map[string]json.RawMessage) {
		id := ""
		for _, k := range table.Key {
			id += string(row[k]) + "/"
		}
		if pairs[id] == nil {
			pairs[id] = &pair{}
		}
		if expected {
			pairs[id].expected = row
		} else {
			pairs[id].found = row
		}
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(pairs)) {
		report.Differences = append(report.Differences, differences(table, of.Columns, pairs[id].expected, pairs[id].found)...)
	}
	return nil
}

// persistent counts the rows that differ, until two counts are the same: the live version keeps
// writing, and a conversation whose rows are being written differs for a moment, and then counts as
// changed.
func persistent(ctx context.Context, of *tables.TableComparison, uneven []uint64) (count uint64, err error) {
	for before := uint64(0); ; before = count {
		if count, err = of.Differing(ctx, uneven); err != nil {
			return 0, err
		}
		if count == 0 || count == before {
			return count, nil
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(settle):
		}
	}
}

func differences(t tables.Table, columns []string, expected, found map[string]json.RawMessage) []Difference {
	key := map[string]string{}
	for _, k := range t.Key {
		row := expected
		if row == nil {
			row = found
		}
		key[k] = string(row[k])
	}
	switch {
	case expected == nil:
		return []Difference{{Table: t.Name, Key: key, Field: "row", Expected: "none", Found: "one"}}
	case found == nil:
		return []Difference{{Table: t.Name, Key: key, Field: "row", Expected: "one", Found: "none"}}
	}
	var all []Difference
	for _, column := range columns {
		if string(expected[column]) != string(found[column]) {
			all = append(all, Difference{
				Table: t.Name, Key: key, Field: column,
				Expected: string(expected[column]), Found: string(found[column]),
			})
		}
	}
	return all
}
