package transport

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// rewriting replaces every argument of an operation by a variable of the argument's type. So the
// library that executes it sees only values that were coerced here, and no literals, which it would
// coerce differently.
type rewriting struct {
	coercion
	given     map[string]any // coerced variables of the operation
	fragments map[string]*ast.FragmentDefinition

	used    ast.FragmentDefinitionList
	defined ast.VariableDefinitionList
	values  map[string]any
	names   map[string]string // of variables, by type and value: equal fields stay equal
	refused *refusal
}

// rewrite returns the operation alone, with its fragments, and its variables; a subscription as the query that answers
// one of its events. The document must be valid; it is changed.
func (c *coercion) rewrite(d *document, given map[string]any) (text string, variables map[string]any, refused *refusal) {
	r := &rewriting{coercion: *c, given: given, fragments: d.fragments, values: map[string]any{}, names: map[string]string{}}
	operation := *d.operation
	if operation.Operation == ast.Subscription {
		operation.Operation = ast.Query
	}
	r.directives(operation.Directives)
	r.selections(operation.SelectionSet)
	if r.refused != nil {
		return "", nil, r.refused
	}
	operation.VariableDefinitions = r.defined
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("")).FormatQueryDocument(&ast.QueryDocument{
		Operations: ast.OperationList{&operation}, Fragments: r.used,
	})
	return b.String(), r.values, nil
}

func (r *rewriting) selections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			s.Arguments = r.arguments(s.Arguments, s.Definition.Arguments)
			r.directives(s.Directives)
			r.selections(s.SelectionSet)
		case *ast.InlineFragment:
			r.directives(s.Directives)
			r.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			r.directives(s.Directives)
			if f := r.fragments[s.Name]; f != nil {
				delete(r.fragments, s.Name) // once
				r.used = append(r.used, f)
				r.directives(f.Directives)
				r.selections(f.SelectionSet)
			}
		}
	}
}

func (r *rewriting) directives(list ast.DirectiveList) {
	for _, d := range list {
		d.Arguments = r.arguments(d.Arguments, d.Definition.Arguments)
	}
}

// arguments replaces each argument by a variable. One whose own variable has no value is
// as if it were not there.
func (r *rewriting) arguments(list ast.ArgumentList, defined ast.ArgumentDefinitionList) ast.ArgumentList {
	kept := list[:0:0]
	for _, a := range list {
		if unset(a.Value, r.given) {
			continue
		}
		t := defined.ForName(a.Name).Type
		value, refused := r.literal(t, a.Value, r.given, a.Name)
		if refused != nil {
			if r.refused == nil {
				r.refused = refused
			}
			return nil
		}
		kept = append(kept, &ast.Argument{Name: a.Name, Value: &ast.Value{Kind: ast.Variable, Raw: r.variable(t, value)}})
	}
	return kept
}

// variable names the variable of a type and value.
func (r *rewriting) variable(t *ast.Type, value any) string {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err) // it comes from JSON or from literals
	}
	key := t.String() + " " + string(content)
	name, ok := r.names[key]
	if !ok {
		name = fmt.Sprintf("v%d", len(r.names))
		r.names[key], r.values[name] = name, value
		// A value that is not null fits where the two libraries differ over null.
		declared := *t
		declared.NonNull = t.NonNull || value != nil
		r.defined = append(r.defined, &ast.VariableDefinition{Variable: name, Type: &declared})
	}
	return name
}
