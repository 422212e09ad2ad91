package transport

import (
	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validate checks a document against the schema: the parser's rules, and ours over
// literals in the place of its own.
func (c *coercion) validate(parsed *ast.QueryDocument) []*gqlerrors.QueryError {
	all := rules.NewDefaultRules()
	all.RemoveRule(rules.MaxIntrospectionDepth.Name) // Limits bound it
	var found []*gqlerrors.QueryError
	all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, func(observers *core.Events, _ core.AddErrFunc) {
		c.literals(observers, func(r *refusal) {
			e := r.queryError()
			if r.code == codeValidation {
				e.Rule = rules.ValuesOfCorrectTypeRule.Name
			}
			found = append(found, e)
		})
	})
	for _, e := range validator.ValidateWithRules(c.schema, parsed, all) {
		shown := &gqlerrors.QueryError{Message: e.Message, Rule: e.Rule, Extensions: map[string]any{"code": codeValidation}}
		for _, l := range e.Locations {
			shown.Locations = append(shown.Locations, gqlerrors.Location{Line: l.Line, Column: l.Column})
		}
		found = append(found, shown)
	}
	return found
}

// literals reads every literal of a document once, without its variables.
func (c *coercion) literals(observers *core.Events, refuse func(*refusal)) {
	seen := map[*ast.Value]bool{} // fragments are walked for every operation
	read := func(t *ast.Type, v *ast.Value, field string) {
		if t == nil || v == nil || seen[v] || c.schema.Types[t.Name()] == nil || !c.schema.Types[t.Name()].IsInputType() {
			return
		}
		seen[v] = true
		if _, refused := c.literal(t, v, nil, field); refused != nil {
			refuse(refused)
		}
	}
	observers.OnVariable(func(_ *core.Walker, v *ast.VariableDefinition) {
		read(v.Type, v.DefaultValue, "$"+v.Variable)
	})
	arguments := func(list ast.ArgumentList, defined ast.ArgumentDefinitionList) {
		for _, a := range list {
			if d := defined.ForName(a.Name); d != nil {
				read(d.Type, a.Value, a.Name)
			}
		}
	}
	observers.OnField(func(_ *core.Walker, f *ast.Field) {
		if f.Definition != nil {
			arguments(f.Arguments, f.Definition.Arguments)
		}
	})
	observers.OnDirective(func(_ *core.Walker, d *ast.Directive) {
		if d.Definition != nil {
			arguments(d.Arguments, d.Definition.Arguments)
		}
	})
}
