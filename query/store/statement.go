package store

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

//go:embed sql/*.sql
var files embed.FS

// statement is one .sql file with its parts filled in. The text consists of the file and constants
// of this package; every external value is a parameter, bound on the server.
type statement struct {
	name    string
	text    string
	columns []string // read, for the counters
	opened  bool     // a timeline is bound
	scope   query.Scope
	args    []any
}

// newStatement begins a statement over the tables of the scope.
func newStatement(name string, scope query.Scope) *statement {
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	s := &statement{name: name, text: strings.TrimSpace(string(text)), scope: scope}
	if scope.AsOf > 0 {
		s.earlier()
	}
	return s.bind("projection", fmt.Sprintf("parley_%d", scope.Projection))
}

// key identifies a statement by its text and parameters.
func (s *statement) key() string { return fmt.Sprintf("%s\x00%#v", s.text, s.args) }

// bind sets the value of a parameter that the text names.
func (s *statement) bind(name string, value any) *statement {
	s.args = append(s.args, clickhouse.Named(name, value))
	return s
}

// with replaces a placeholder of the file by a constant or conditions.
func (s *statement) with(mark, constant string) *statement {
	s.text = strings.ReplaceAll(s.text, "$"+mark, constant)
	return s
}

// where replaces a placeholder by conditions and binds their parameters.
func (s *statement) where(mark string, c *conditions) *statement {
	s.args = append(s.args, c.args...)
	return s.with(mark, c.String()).open(c.openings)
}

// conditions are joined by AND. Those of a statement begin with the projects of a
// scope.
type conditions struct {
	prefix string          // of the parameters' names, so that two sets do not collide
	within schema.Projects // the projects it begins with
	all    []string
	args   []any

	openings *hours.Timeline // what conditions on business hours read
}

// within begins the conditions of a statement with the projects it may see.
func within(prefix string, projects schema.Projects) *conditions {
	c := &conditions{prefix: prefix, within: projects}
	switch {
	case projects.All:
	case len(projects.IDs) == 1:
		c.add("project_id = {$:UInt32}", uint32(projects.IDs[0]))
	default:
		c.amongProjects(projects.IDs)
	}
	return c
}

// projectsOfParameter is how many ids of ten digits fit into one parameter.
const projectsOfParameter = 5000

// amongProjects bounds the rows to a list of projects, in as many parameters as
// the list needs. All conditions of a statement share them: they are the same list.
func (c *conditions) amongProjects(projects []schema.ProjectID) {
	var lists []string
	for part := range slices.Chunk(projects, projectsOfParameter) {
		ids := make([]uint32, len(part))
		for i, id := range part {
			ids[i] = uint32(id)
		}
		name := fmt.Sprintf("projects%d", len(lists))
		lists = append(lists, "{"+name+":Array(UInt32)}")
		c.args = append(c.args, clickhouse.Named(name, ids))
	}
	switch len(lists) {
	case 0:
		c.add("0")
	case 1:
		c.add("project_id IN " + lists[0])
	default:
		c.add("project_id IN arrayConcat(" + strings.Join(lists, ", ") + ")")
	}
}

// add appends a condition. Each $ in it becomes the name of the parameter that
// holds the value; a condition without one takes no values.
func (c *conditions) add(condition string, values ...any) {
	for _, value := range values {
		name := fmt.Sprintf("%s%d", c.prefix, len(c.args))
		condition = strings.Replace(condition, "$", name, 1)
		c.args = append(c.args, clickhouse.Named(name, value))
	}
	c.all = append(c.all, condition)
}

// nest appends a condition that holds other conditions in the place of its $.
func (c *conditions) nest(condition string, other *conditions) {
	c.args = append(c.args, other.args...)
	if c.openings == nil {
		c.openings = other.openings
	}
	c.all = append(c.all, strings.Replace(condition, "$", other.String(), 1))
}

// String writes the conditions; none at all hold for every row.
func (c *conditions) String() string {
	if len(c.all) == 0 {
		return "1"
	}
	return strings.Join(c.all, "\n    AND ")
}

// Parameters travel in the address of a request over HTTP, of which ClickHouse
// takes 1 MiB, and 128 KiB of one parameter.
const (
	maxParameter  = 96 << 10
	maxParameters = 256 << 10
)

// fits reports whether the parameters can be sent. Of opening hours, package query limits the number.
func (s *statement) fits() error {
	total := 0
	for _, arg := range s.args {
		size := 0
		named := arg.(driver.NamedValue)
		if named.Name == openingSteps || named.Name == openingLengths {
			continue
		}
		switch value := named.Value.(type) {
		case string:
			size = escaped(value)
		case []string:
			for _, v := range value {
				size += escaped(v)
			}
		}
		if total += size; size > maxParameter || total > maxParameters {
			return &query.Error{Code: query.CodeBadInput, Message: "filters: hold too many or too long values"}
		}
	}
	return nil
}

// escaped bounds the bytes a string takes in a parameter.
func escaped(s string) int {
	size := len(s) + len("'', ")
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '\\' || c == '\'' {
			size += 3
		}
	}
	return size
}

// settings fills in settings of the statement alone.
func (s *statement) settings(list []string) *statement {
	if len(list) == 0 {
		return s.with("settings", "")
	}
	return s.with("settings", "SETTINGS "+strings.Join(list, ", "))
}
