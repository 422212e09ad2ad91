package saved

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// asOf is the argument that asks as of a position.
const asOf = "asOf"

// fields are those of Query that have the argument.
var fields = []string{"metrics", "contacts", "closedConversations", "searchClosedConversations", "conversation", "explain"}

// unlike are fields whose values differ in answers as of different positions, also where no row does.
var unlike = []string{"position", "cursor", "startCursor", "endCursor", "rows"}

// Question is a document that can be asked as of a position.
type Question struct{ document string }

// Parse reads a question. It must be a single query without variables, whose fields answer as of a position.
func Parse(document string) (*Question, error) {
	q := &Question{document}
	parsed, err := q.parse()
	if err != nil {
		return nil, err
	}
	operation := parsed.Operations[0]
	if operation.Operation != ast.Query {
		return nil, errors.New("the document must be a query")
	}
	if len(operation.VariableDefinitions) > 0 {
		return nil, errors.New("the query must not have variables: write their values into it")
	}
	for _, selection := range operation.SelectionSet {
		field, ok := selection.(*ast.Field)
		switch {
		case !ok:
			return nil, errors.New("the query must name its fields directly: fragments of Query are not supported")
		case !slices.Contains(fields, field.Name):
			return nil, fmt.Errorf("%s does not answer as of a position: use %s", field.Name, strings.Join(fields, ", "))
		case field.Arguments.ForName(asOf) != nil:
			return nil, fmt.Errorf("%s must not set asOf: a report sets it", field.Name)
		}
	}
	return q, nil
}

func (q *Question) parse() (*ast.QueryDocument, error) {
	parsed, err := parser.ParseQuery(&ast.Source{Name: "query", Input: q.document})
	if err != nil {
		return nil, fmt.Errorf("the query does not parse: %w", err)
	}
	if len(parsed.Operations) != 1 {
		return nil, fmt.Errorf("the document must have one query, not %d operations", len(parsed.Operations))
	}
	return parsed, nil
}

// Document returns the question as it was written.
func (q *Question) Document() string { return q.document }

// Now returns the document that asks about the present.
func (q *Question) Now() string { return q.ask("") }

// AsOf returns the document that asks as of a position.
func (q *Question) AsOf(position string) string { return q.ask(position) }

func (q *Question) ask(position string) string {
	parsed, err := q.parse()
	if err != nil {
		panic(err) // Parse has read it
	}
	operation := parsed.Operations[0]
	if position != "" {
		for _, selection := range operation.SelectionSet {
			field := selection.(*ast.Field)
			field.Arguments = append(field.Arguments, &ast.Argument{Name: asOf, Value: &ast.Value{Kind: ast.StringValue, Raw: position}})
		}
	}
	operation.SelectionSet = comparable(operation.SelectionSet)
	for _, fragment := range parsed.Fragments {
		fragment.SelectionSet = comparable(fragment.SelectionSet)
	}
	var text strings.Builder
	formatter.NewFormatter(&text).FormatQueryDocument(parsed)
	return text.String()
}

// comparable leaves out what differs in every answer. What would be left without fields keeps the name of its type.
func comparable(set ast.SelectionSet) ast.SelectionSet {
	kept := ast.SelectionSet{}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if slices.Contains(unlike, s.Name) {
				continue
			}
			if len(s.SelectionSet) > 0 {
				s.SelectionSet = comparable(s.SelectionSet)
			}
		case *ast.InlineFragment:
			s.SelectionSet = comparable(s.SelectionSet)
		}
		kept = append(kept, selection)
	}
	if len(kept) == 0 {
		kept = append(kept, &ast.Field{Name: "__typename", Alias: "__typename"})
	}
	return kept
}
