package clickhouse

import (
	"fmt"
	"strings"
)

// The users whose rights the views have. No client logs in as one of them. Each may read only the
// columns of its views, so a reader of a view reaches nothing below it, whatever the query
// contains.
const (
	// OpenDefiner is the user of the views without personal data.
	OpenDefiner = "parley_views"
	// PersonalDefiner is the user of the views with personal data or original bytes.
	PersonalDefiner = "parley_personal_views"
)

// View is one stable name: columns of one table of the live projection.
type View struct {
	File           // with placeholders
	View    string // name in [ViewDatabase]
	Definer string // user with whose rights it reads
	Table   string // table it reads
	Columns []string
}

// Column is a column of a table, as listed in system.columns.
type Column struct{ Name, Type, Comment string }

// Views returns the stable names, in order.
func Views() []View {
	list := read("views")
	views := make([]View, len(list))
	for i, file := range list {
		name := between(file.Statement, "VIEW "+ViewDatabase+".", " ")
		table := between(file.Statement, "FROM $projection.", " ")
		selected := between(file.Statement, "SELECT\n", "\nFROM")
		v := View{File: file, View: name, Table: table, Definer: between(file.Statement, "DEFINER = ", " ")}
		for column := range strings.SplitSeq(selected, ",") {
			v.Columns = append(v.Columns, strings.TrimSpace(column))
		}
		views[i] = v
	}
	return views
}

// Over returns the statement that points the view at a projection. Types and
// comments are taken from the table, so that each exists in one place only; a
// column that the table lacks is an error.
func (v View) Over(version uint32, tableComment string, table []Column) (string, error) {
	var head strings.Builder
	for i, name := range v.Columns {
		column, found := find(table, name)
		if !found {
			return "", fmt.Errorf("view %s: table %s has no column %s", v.View, v.Table, name)
		}
		if i > 0 {
			head.WriteString(", ")
		}
		fmt.Fprintf(&head, "%s %s COMMENT %s", column.Name, column.Type, quoted(column.Comment))
	}
	return strings.NewReplacer(
		"$projection", ProjectionDatabase(version),
		"$columns", head.String(),
		"$comment", quoted(tableComment),
	).Replace(v.Statement), nil
}

func find(columns []Column, name string) (Column, bool) {
	for _, c := range columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// quoted writes a ClickHouse string literal.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// between is the part of s after the first start and before the next end.
func between(s, start, end string) string {
	_, rest, _ := strings.Cut(s, start)
	part, _, _ := strings.Cut(rest, end)
	return part
}
