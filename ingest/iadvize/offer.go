package iadvize

import (
	"context"
	_ "embed" // the queries
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A line of a query that ends with this and names (Type.field, or Type.field.argument) is sent only
// to an API that has them all. The other lines are the core, which every API has.
const ifOffered = " # if "

//go:embed history.graphql
var historyQuery string

//go:embed thread.graphql
var threadQuery string

//go:embed messages.graphql
var messagesFragment string

// offer records which of the names after [ifOffered] an API has.
type offer map[string]bool

// document is a query with the lines that the API offers, and what it needs of
// the thread.
func (o offer) document(query string) string {
	var out strings.Builder
	for line := range strings.Lines(query + "\n" + messagesFragment) {
		kept, names, optional := strings.Cut(line, ifOffered)
		if optional && slices.ContainsFunc(strings.Fields(names), func(name string) bool { return !o[name] }) {
			continue
		}
		out.WriteString(strings.TrimRight(kept, "\n") + "\n")
	}
	return out.String()
}

// optionalNames are all names behind [ifOffered], ascending.
func optionalNames() []string {
	found := make(map[string]bool)
	for line := range strings.Lines(historyQuery + threadQuery + messagesFragment) {
		if _, names, optional := strings.Cut(line, ifOffered); optional {
			for _, name := range strings.Fields(names) {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// describedType is an answer to __type.
type describedType struct {
	Fields []struct {
		Name string
		Args []struct{ Name string }
	}
}

// learn asks the API once which types and fields it has. An API without introspection is assumed to
// have only the core.
func (c *Client) learn(ctx context.Context) error {
	if c.offer != nil {
		return nil
	}
	types := make(map[string]bool)
	for _, name := range optionalNames() {
		of, _, _ := strings.Cut(name, ".")
		types[of] = true
	}
	var query strings.Builder
	query.WriteString("query Types {\n")
	for name := range types {
		fmt.Fprintf(&query, "%s: __type(name: %q) { fields(includeDeprecated: true) { name args { name } } }\n", name, name)
	}
	query.WriteString("}")
	var described map[string]*describedType
	if _, err := c.ask(ctx, question{query: query.String(), data: &described, tries: pageTries}); err != nil {
		var refused *apiError
		if errors.As(err, &refused) && !refused.ofServer() {
			c.offer = offer{}
			return nil
		}
		return fmt.Errorf("query the API's fields: %s", err.Error()) // it is not the error of a page
	}
	c.offer = make(offer)
	for name, of := range described {
		if of == nil {
			continue
		}
		for _, field := range of.Fields {
			c.offer[name+"."+field.Name] = true
			for _, argument := range field.Args {
				c.offer[name+"."+field.Name+"."+argument.Name] = true
			}
		}
	}
	return nil
}

// Missing returns the fields and arguments beyond the core that the API lacks, or does not report,
// in ascending order; the data that depends on them is not imported. It is known after the first
// page.
func (c *Client) Missing() []string {
	return slices.DeleteFunc(optionalNames(), func(name string) bool { return c.offer[name] })
}
