package clickhouse

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
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

// View is one stable name over the live projection.
type View struct {
	File           // with placeholders
	View    string // name in [ViewDatabase]
	Definer string // user with whose rights it reads
	// Reads are the columns it reads, by table.
	Reads []Read
}

// Shown are the columns of its first table that are shown under their own names where the file says $columns: all but hidden ones.
func (v View) Shown() []string {
	return slices.DeleteFunc(slices.Clone(v.Reads[0].Columns), func(name string) bool { return strings.HasPrefix(name, "_") })
}

// Read is a table and the columns of it that a view reads.
type Read struct {
	Database string // a placeholder for that of the projection
	Table    string
	Columns  []string
}

// In returns the database of the table for a version of the projection.
func (r Read) In(version uint32) string {
	return strings.Replace(r.Database, placeholder, ProjectionDatabase(version), 1)
}

// placeholder stands for the database of a projection.
const placeholder = "$projection"

// Column is a column of a table, as listed in system.columns.
type Column struct{ Name, Type, Comment string }

// Views returns the stable names, in order.
func Views() []View {
	list := read("views")
	views := make([]View, len(list))
	for i, file := range list {
		views[i] = View{
			File: file, View: between(file.Statement, "VIEW "+ViewDatabase+".", " "),
			Definer: between(file.Statement, "DEFINER = ", " "), Reads: reads(file.Statement),
		}
	}
	return views
}

// selected matches a list of plain columns and the table they are read from.
var selected = regexp.MustCompile(`SELECT\n([a-z_, \n]+)\nFROM (\$projection|` + MetaDatabase + `)\.([a-z_]+)`)

// reads returns what a view reads, tables of the projection first.
func reads(statement string) []Read {
	var list []Read
	for _, found := range selected.FindAllStringSubmatch(statement, -1) {
		r := Read{Database: found[2], Table: found[3]}
		for column := range strings.SplitSeq(found[1], ",") {
			r.Columns = append(r.Columns, strings.TrimSpace(column))
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b Read) int { return cmp.Compare(a.Database, b.Database) }) // "$" is before letters
	return list
}

// Over returns the statement that points the view at a projection. Types and
// comments are taken from its first table, so that each exists in one place only; a
// column that the table lacks is an error.
func (v View) Over(version uint32, tableComment string, table []Column) (string, error) {
	var head strings.Builder
	for i, name := range v.Shown() {
		column, found := find(table, name)
		if !found {
			return "", fmt.Errorf("view %s: table %s has no column %s", v.View, v.Reads[0].Table, name)
		}
		if i > 0 {
			head.WriteString(", ")
		}
		fmt.Fprintf(&head, "%s %s COMMENT %s", column.Name, column.Type, quoted(column.Comment))
	}
	statement := strings.NewReplacer(
		placeholder, ProjectionDatabase(version),
		"$columns", head.String(),
		"$comment", quoted(tableComment),
	).Replace(v.withOwnValues(table))
	if found := moment.FindStringSubmatch(statement); found != nil {
		// The statement ends with the comment.
		statement = strings.TrimSuffix(statement, "'") + fmt.Sprintf(`. Times are UTC; local time: toTimeZone(%s, \'Europe/Paris\')'`, found[1])
	}
	return statement, nil
}

// withOwnValues returns the statement with columns of the first table whose dictionaries have the values of the rows that are read,
// and no others. ClickHouse keeps one dictionary of a LowCardinality column for all rows of a part, and runs some functions on all
// of it: their errors would tell values of rows that a row policy hides. Measured over 300,000 contacts, grouping by three such columns
// takes 60 ms instead of 25; a condition on currentUser() that leaves them as they are saves nothing.
func (v View) withOwnValues(table []Column) string {
	return selected.ReplaceAllStringFunc(v.Statement, func(list string) string {
		found := selected.FindStringSubmatch(list)
		if found[2] != placeholder || found[3] != v.Reads[0].Table {
			return list
		}
		columns := strings.Split(found[1], ",")
		for i, name := range columns {
			name = strings.TrimSpace(name)
			if c, known := find(table, name); known && strings.Contains(c.Type, "LowCardinality(") {
				columns[i] = " CAST(" + name + ", " + quoted(lowCardinality.ReplaceAllString(c.Type, "$1")) + ") AS " + name
			}
		}
		return strings.Replace(list, found[1], strings.Join(columns, ","), 1)
	})
}

// lowCardinality matches the type of such a column: nothing in it is nested deeper than Nullable.
var lowCardinality = regexp.MustCompile(`LowCardinality\((\w+(?:\(\w+\))?)\)`)

// moment matches the first column with a time.
var moment = regexp.MustCompile(`[(,]\s*(\w+) (?:Nullable\()?DateTime64`)

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
