package transport

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Price is the cost of a field in addition to its objects, bytes and rows read.
type Price struct {
	// Points are added once for every time the field is resolved.
	Points int
	// Items is the assumed number of objects in its list; 0 means
	// Limits.ListSize.
	Items int
}

// Prices are named "Type.field".
type Prices map[string]Price

// pricing knows the schema.
type pricing struct {
	schema   *ast.Schema
	prices   Prices
	pageSize int64
	listSize int64
}

func newPricing(sdl string, prices Prices, limits *Limits) (*pricing, error) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: sdl})
	if err != nil {
		return nil, fmt.Errorf("transport: read the schema: %w", err)
	}
	return &pricing{schema: schema, prices: prices, pageSize: int64(limits.PageSize), listSize: int64(limits.ListSize)}, nil
}

func (c *pricing) root(operation ast.Operation) *ast.Definition {
	switch operation {
	case ast.Mutation:
		return c.schema.Mutation
	case ast.Subscription:
		return c.schema.Subscription
	}
	return c.schema.Query
}

// typeNamed finds a type; without a name it stays the one around it.
func (c *pricing) typeNamed(name string, around *ast.Definition) *ast.Definition {
	if name == "" {
		return around
	}
	return c.schema.Types[name]
}

func fieldOf(on *ast.Definition, name string) *ast.FieldDefinition {
	if on == nil {
		return nil
	}
	return on.Fields.ForName(name)
}

func (c *pricing) typeOf(f *ast.FieldDefinition) *ast.Definition {
	if f == nil {
		return nil
	}
	return c.schema.Types[f.Type.Name()]
}

func (c *pricing) isObject(f *ast.FieldDefinition) bool {
	t := c.typeOf(f)
	return t != nil && t.IsCompositeType()
}

func (c *pricing) price(on *ast.Definition, field string) int64 {
	if on == nil {
		return 0
	}
	return int64(c.prices[on.Name+"."+field].Points)
}

// items is how many objects a field answers with at most: one, a page, or a
// list of the assumed length.
func (c *pricing) items(on *ast.Definition, f *ast.FieldDefinition, page int64) int64 {
	if f.Type.Elem == nil {
		return 1
	}
	if n := c.prices[on.Name+"."+f.Name].Items; n > 0 {
		return int64(n)
	}
	if isConnection(on) {
		return page
	}
	return c.listSize
}

// leadsBack reports whether a field is a list without pages whose objects lead to
// the type that the field is of: lists inside it multiply without an end. Those of
// the introspection have a limit of their own.
func (c *pricing) leadsBack(on *ast.Definition, f *ast.FieldDefinition) bool {
	if on == nil || f == nil || f.Type.Elem == nil || isConnection(on) || strings.HasPrefix(on.Name, "__") {
		return false
	}
	seen := map[string]bool{}
	var reaches func(*ast.Definition) bool
	reaches = func(t *ast.Definition) bool {
		if t == nil || seen[t.Name] {
			return false
		}
		seen[t.Name] = true
		for _, field := range t.Fields {
			next := c.typeOf(field)
			if next != nil && (next.Name == on.Name || reaches(next)) {
				return true
			}
		}
		return false
	}
	return reaches(c.typeOf(f))
}

// isConnection recognises a page of rows by what Relay requires of one.
func isConnection(t *ast.Definition) bool {
	return t != nil && t.Fields.ForName("pageInfo") != nil
}

// page is the length of pages below a field, from first or last. The resolver refuses values that
// are not whole numbers.
func (w *walk) page(f *ast.Field, definition *ast.FieldDefinition, around int64) int64 {
	if !isConnection(w.typeOf(definition)) {
		return around
	}
	for _, name := range []string{"first", "last"} {
		argument := f.Arguments.ForName(name)
		if argument == nil {
			continue
		}
		if n, ok := w.number(argument.Value); ok {
			return min(max(n, 0), 10_000)
		}
	}
	return w.pageSize
}

func (w *walk) number(v *ast.Value) (int64, bool) {
	switch v.Kind {
	case ast.IntValue:
		n, err := strconv.ParseInt(v.Raw, 10, 64)
		return n, err == nil
	case ast.Variable:
		given, ok := w.variables[v.Raw]
		if !ok {
			declared := w.document.operation.VariableDefinitions.ForName(v.Raw)
			if declared == nil || declared.DefaultValue == nil || declared.DefaultValue.Kind == ast.Variable {
				return 0, false
			}
			return w.number(declared.DefaultValue)
		}
		n, ok := given.(float64)
		return int64(min(max(n, 0), 1<<31)), ok
	}
	return 0, false
}

// objects counts the objects in an answer.
func objects(data json.RawMessage) int64 {
	n, inString := int64(0), false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case c == '{' && !inString:
			n++
		}
	}
	return n
}

// cost is extensions.cost.
type cost struct {
	Requested int64    `json:"requestedQueryCost"`
	Actual    *int64   `json:"actualQueryCost"`
	Throttle  throttle `json:"throttleStatus"`
}

type throttle struct {
	Maximum   int64 `json:"maximumAvailable"`
	Currently int64 `json:"currentlyAvailable"`
	Restore   int64 `json:"restoreRate"`
}
