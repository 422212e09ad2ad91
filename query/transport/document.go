package transport

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/parley-analytics/parley/query/meter"
)

// document is a parsed document with the operation that is to run.
type document struct {
	parsed    *ast.QueryDocument
	operation *ast.OperationDefinition
	fragments map[string]*ast.FragmentDefinition
}

// parse reads a document and finds its operation.
func parse(text, operationName string, limits *Limits) (*document, *refusal) {
	if len(text) > limits.QueryBytes {
		return nil, tooLarge(fmt.Sprintf("the document has %d bytes; at most %d are allowed", len(text), limits.QueryBytes))
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, limits.Tokens)
	if err != nil {
		return nil, parseRefusal(err)
	}
	if halfPair(text) {
		return nil, &refusal{code: codeParse, message: "the document cannot be parsed: an escape is an unpaired surrogate"}
	}
	d := &document{parsed: parsed, fragments: make(map[string]*ast.FragmentDefinition, len(parsed.Fragments))}
	for _, f := range parsed.Fragments {
		d.fragments[f.Name] = f
	}
	switch {
	case len(parsed.Operations) == 0:
		return nil, &refusal{code: codeOperation, message: "the document contains no operation"}
	case operationName == "" && len(parsed.Operations) > 1:
		return nil, &refusal{code: codeOperation, message: "operationName: is required, the document contains several operations"}
	case operationName == "":
		d.operation = parsed.Operations[0]
	default:
		if d.operation = parsed.Operations.ForName(operationName); d.operation == nil {
			return nil, &refusal{code: codeOperation, message: "operationName: is not an operation of the document"}
		}
	}
	return d, nil
}

// halfPair finds the escape of a surrogate without its other half, which the parser
// reads as U+FFFD.
func halfPair(text string) bool {
	high := -1 // where a low half has to follow
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		escape := strings.ToLower(text[i:min(i+6, len(text))])
		switch low := len(escape) == 6 && escape > `\udc` && escape < `\ue`; {
		case low && high != i:
			return true
		case low:
			high = -1
		case high >= 0:
			return true
		case len(escape) == 6 && escape > `\ud8` && escape < `\udc`:
			high = i + 6
			i += 5
			if high >= len(text) || text[high] != '\\' {
				return true
			}
			continue
		}
		i++ // an escaped character does not begin an escape
	}
	return false
}

func parseRefusal(err error) *refusal {
	r := &refusal{code: codeParse, message: "the document cannot be parsed"}
	if strings.HasPrefix(err.Error(), "exceeded ") || strings.Contains(err.Error(), ": exceeded ") {
		r.code = codeTooLarge // tokens, or the parser's own depth
	}
	var parseError *gqlerror.Error
	if errors.As(err, &parseError) && utf8.ValidString(parseError.Message) {
		r.message = "the document cannot be parsed: " + parseError.Message
		if len(parseError.Locations) > 0 {
			r.location = &gqlerrors.Location{Line: parseError.Locations[0].Line, Column: parseError.Locations[0].Column}
		}
	}
	return r
}

// size is what the limits of a document are about, with fragments in place.
type size struct {
	depth, selections, aliases int
	points                     int64 // objects at most, and prices
	bytes                      int64 // of the answer, its texts taken to be short
}

// most is where counting ends: far above every limit, and safe to multiply.
const most = int64(1) << 31

func bounded(n int64) int64 { return min(n, most) }

// measure walks the operation. Each fragment is measured once for each length
// of page it is used with, so chains of fragments cost no more than their text.
func (d *document) measure(c *pricing, variables map[string]any) size {
	w := &walk{pricing: c, document: d, variables: variables, done: map[spread]size{}, open: map[spread]bool{}}
	s := w.selectionSet(d.operation.SelectionSet, c.root(d.operation.Operation), c.pageSize)
	s.points = bounded(s.points + 1 + meter.Size(s.bytes)) // one is the outermost object
	return s
}

// spread is a fragment as it is used: pages of this length are around it, and
// perhaps lists that lead back to themselves.
type spread struct {
	name   string
	page   int64
	cyclic bool
}

type walk struct {
	*pricing
	document  *document
	variables map[string]any
	done      map[spread]size
	open      map[spread]bool // fragments being measured: a cycle is validation's to refuse
	cyclic    bool            // inside a list that leads back to itself
}

func (w *walk) selectionSet(set ast.SelectionSet, on *ast.Definition, page int64) size {
	var sum size
	for _, selection := range set {
		var s size
		switch selection := selection.(type) {
		case *ast.Field:
			s = w.field(selection, on, page)
		case *ast.InlineFragment:
			s = w.selectionSet(selection.SelectionSet, w.typeNamed(selection.TypeCondition, on), page)
			s.selections++
		case *ast.FragmentSpread:
			s = w.fragment(spread{selection.Name, page, w.cyclic})
			s.selections++
		}
		sum.depth = max(sum.depth, s.depth)
		sum.selections = int(bounded(int64(sum.selections) + int64(s.selections)))
		sum.aliases = int(bounded(int64(sum.aliases) + int64(s.aliases)))
		sum.points = bounded(sum.points + s.points)
		sum.bytes = bounded(sum.bytes + s.bytes)
	}
	return sum
}

func (w *walk) fragment(at spread) size {
	if s, ok := w.done[at]; ok {
		return s
	}
	definition := w.document.fragments[at.name]
	if definition == nil || w.open[at] {
		return size{}
	}
	w.open[at] = true
	s := w.selectionSet(definition.SelectionSet, w.typeNamed(definition.TypeCondition, nil), at.page)
	delete(w.open, at)
	w.done[at] = s
	return s
}

func (w *walk) field(f *ast.Field, on *ast.Definition, page int64) size {
	definition := fieldOf(on, f.Name)
	var inner size
	items := int64(0)
	if definition != nil && w.isObject(definition) {
		items = w.items(on, definition, page)
		if w.cyclic && w.leadsBack(on, definition) {
			items = max(items, w.pageSize)
		}
	}
	if len(f.SelectionSet) > 0 {
		around := w.cyclic
		w.cyclic = around || w.leadsBack(on, definition)
		inner = w.selectionSet(f.SelectionSet, w.typeOf(definition), w.page(f, definition, page))
		w.cyclic = around
	}
	s := size{
		depth:      inner.depth + 1,
		selections: inner.selections + 1,
		aliases:    inner.aliases,
		points:     bounded(w.price(on, f.Name) + items + max(items, 1)*inner.points),
		bytes:      bounded(fieldBytes(f) + max(items, 1)*inner.bytes),
	}
	if f.Alias != f.Name {
		s.aliases++
	}
	return s
}

// shortValue is the approximate length of a value in an answer, with its name and punctuation.
const shortValue = 16

// fieldBytes is the size of a field in an answer, with its texts assumed to be short.
func fieldBytes(f *ast.Field) int64 {
	if len(f.SelectionSet) > 0 {
		return int64(len(f.Alias)) + 6
	}
	return int64(len(f.Alias)) + shortValue
}

// weights are the sizes that fields of the document add to an answer when they are resolved.
func (d *document) weights(c *pricing) map[meter.Field]meter.Weight {
	type count struct{ all, first float64 }
	weights, counts := map[meter.Field]meter.Weight{}, map[meter.Field]count{}
	var add func(ast.SelectionSet, *ast.Definition)
	add = func(set ast.SelectionSet, on *ast.Definition) {
		for i, selection := range set {
			switch selection := selection.(type) {
			case *ast.InlineFragment:
				add(selection.SelectionSet, c.typeNamed(selection.TypeCondition, on))
			case *ast.Field:
				definition := fieldOf(on, selection.Name)
				if definition == nil {
					continue
				}
				field := meter.Field{Type: on.Name, Name: selection.Name}
				n, w := counts[field], weights[field]
				if n.all++; i == 0 {
					n.first++
				}
				// Of several aliases the longest counts for all of them.
				w.Bytes = max(w.Bytes, fieldBytes(selection))
				w.Objects, w.Points = n.first/n.all, c.price(on, selection.Name)
				counts[field], weights[field] = n, w
				add(selection.SelectionSet, c.typeOf(definition))
			}
		}
	}
	add(d.operation.SelectionSet, c.root(d.operation.Operation))
	for _, f := range d.fragments {
		add(f.SelectionSet, c.typeNamed(f.TypeCondition, nil))
	}
	return weights
}

// roots counts the fields at the top, with fragments in place.
func (d *document) roots() int {
	counted := map[string]int{}
	open := map[string]bool{}
	var count func(ast.SelectionSet) int
	count = func(set ast.SelectionSet) int {
		n := 0
		for _, selection := range set {
			switch selection := selection.(type) {
			case *ast.Field:
				n++
			case *ast.InlineFragment:
				n += count(selection.SelectionSet)
			case *ast.FragmentSpread:
				name := selection.Name
				known, ok := counted[name]
				if f := d.fragments[name]; !ok && f != nil && !open[name] {
					open[name] = true
					known = count(f.SelectionSet)
					delete(open, name)
					counted[name] = known
				}
				n += known
			}
			n = int(bounded(int64(n)))
		}
		return n
	}
	return count(d.operation.SelectionSet)
}

// introspectionLists is how many lists of __schema may be nested: the tools
// need one, and every more multiplies the answer by the size of the schema.
const introspectionLists = 2

// check compares a document with the limits.
func (d *document) check(s size, limits *Limits) *refusal {
	switch {
	case s.depth > limits.Depth:
		return tooLarge(fmt.Sprintf("the document is %d levels deep; at most %d are allowed", s.depth, limits.Depth))
	case s.selections > limits.Selections:
		return tooLarge(fmt.Sprintf("the document selects more than %d fields", limits.Selections))
	case s.aliases > limits.Aliases:
		return tooLarge(fmt.Sprintf("the document has more than %d aliases", limits.Aliases))
	case d.roots() > limits.RootFields:
		return tooLarge(fmt.Sprintf("the document has more than %d fields at its top", limits.RootFields))
	case d.introspects() > introspectionLists:
		return tooLarge(fmt.Sprintf("the document nests more than %d lists of introspection", introspectionLists))
	case s.points > int64(limits.Budget):
		return tooLarge(fmt.Sprintf("the document may cost %d points; at most %d are allowed: ask for shorter pages, fewer fields or fewer lists inside lists", s.points, limits.Budget))
	}
	return nil
}

// introspects returns how deep lists that lead back to types are nested.
func (d *document) introspects() int {
	done, open := map[string]int{}, map[string]bool{}
	var deepest func(ast.SelectionSet) int
	deepest = func(set ast.SelectionSet) int {
		n := 0
		for _, selection := range set {
			switch selection := selection.(type) {
			case *ast.Field:
				inner := deepest(selection.SelectionSet)
				switch selection.Name {
				case "fields", "interfaces", "possibleTypes", "inputFields":
					inner++
				}
				n = max(n, inner)
			case *ast.InlineFragment:
				n = max(n, deepest(selection.SelectionSet))
			case *ast.FragmentSpread:
				name := selection.Name
				known, ok := done[name]
				if f := d.fragments[name]; !ok && f != nil && !open[name] {
					open[name] = true
					known = deepest(f.SelectionSet)
					delete(open, name)
					done[name] = known
				}
				n = max(n, known)
			}
		}
		return n
	}
	return deepest(d.operation.SelectionSet)
}
