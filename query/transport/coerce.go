package transport

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/vektah/gqlparser/v2/ast"
)

// coercion converts variables and literals into values of their types, by the rules
// of input coercion of the GraphQL specification. The parser's own
// VariableValues takes digits in strings for Int and enumerations in any case, and
// its rule over literals takes any Int of 64 bits, so both are read here. Errors
// name the place and the rule, never the value.
//
// Values are int32, float64, string (also of an enumeration and an ID), bool,
// []any and map[string]any; values of Parley's scalars stay unchanged, numbers of literals as json.Number.
type coercion struct {
	schema  *ast.Schema
	scalars Scalars
}

// Scalars checks values of custom scalars, by their names. The error is shown:
// it names the field it is given, and the rule.
type Scalars map[string]func(field string, value any) error

func badInput(field, rule string, args ...any) *refusal {
	return &refusal{code: codeBadInput, message: field + ": " + fmt.Sprintf(rule, args...)}
}

// at puts the refusal of a literal at its place in the document. A literal that cannot be a value
// of its type is a fault of the document.
func (r *refusal) at(position *ast.Position) *refusal {
	if position != nil && r.location == nil {
		r.location = &gqlerrors.Location{Line: position.Line, Column: position.Column}
	}
	return r
}

// rules of the built-in types.
func ruleOf(t *ast.Definition) string {
	switch t.Name {
	case "Int":
		return "must be an Int: an integer of 32 bits"
	case "Float":
		return "must be a Float: a number"
	case "String":
		return "must be a String"
	case "Boolean":
		return "must be a Boolean: true or false"
	case "ID":
		return "must be an ID: a string or an integer"
	}
	switch t.Kind {
	case ast.Enum:
		return "must be a value of " + t.Name
	case ast.InputObject:
		return "must be an object of " + t.Name
	}
	return "must be a value of the scalar " + t.Name
}

// variables coerces the values in the request for the variables of an operation. Variables without
// a value and a default are left out.
func (c *coercion) variables(operation *ast.OperationDefinition, given map[string]any) (map[string]any, *refusal) {
	values := make(map[string]any, len(operation.VariableDefinitions))
	for _, v := range operation.VariableDefinitions {
		var value any
		var refused *refusal
		raw, ok := given[v.Variable]
		switch {
		case ok:
			value, refused = c.value(v.Type, raw, "$"+v.Variable)
		case v.DefaultValue != nil:
			value, refused = c.literal(v.Type, v.DefaultValue, nil, "$"+v.Variable)
		case v.Type.NonNull:
			refused = badInput("$"+v.Variable, "is required: its type is %s", v.Type)
		default:
			continue
		}
		if refused != nil {
			return nil, refused.at(v.Position)
		}
		values[v.Variable] = value
	}
	return values, nil
}

// value coerces a value of JSON.
func (c *coercion) value(t *ast.Type, v any, field string) (any, *refusal) {
	switch {
	case v == nil && t.NonNull:
		return nil, badInput(field, "must not be null: its type is %s", t)
	case v == nil:
		return nil, nil
	case t.Elem != nil:
		given, ok := v.([]any)
		if !ok {
			one, refused := c.value(t.Elem, v, field)
			return []any{one}, refused
		}
		list := make([]any, len(given))
		for i, element := range given {
			var refused *refusal
			if list[i], refused = c.value(t.Elem, element, fmt.Sprintf("%s[%d]", field, i)); refused != nil {
				return nil, refused
			}
		}
		return list, nil
	}
	definition := c.schema.Types[t.NamedType]
	switch definition.Kind {
	case ast.InputObject:
		given, ok := v.(map[string]any)
		if !ok {
			return nil, badInput(field, "%s", ruleOf(definition))
		}
		return c.object(definition, given, field)
	case ast.Enum:
		if name, ok := v.(string); ok && definition.EnumValues.ForName(name) != nil {
			return name, nil
		}
	default:
		if value, ok := c.scalar(definition.Name, v); ok {
			return value, nil
		} else if check := c.scalars[definition.Name]; check != nil {
			if err := check(field, v); err != nil {
				return nil, &refusal{code: codeBadInput, message: err.Error()}
			}
			return v, nil
		} else if !builtIn(definition) {
			return v, nil
		}
	}
	return nil, badInput(field, "%s", ruleOf(definition))
}

func builtIn(t *ast.Definition) bool {
	switch t.Name {
	case "Int", "Float", "String", "Boolean", "ID":
		return true
	}
	return false
}

// scalar coerces JSON values of the built-in scalars.
func (c *coercion) scalar(name string, v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return v, name == "String" || name == "ID"
	case bool:
		return v, name == "Boolean"
	case float64:
		whole := v == math.Trunc(v)
		switch {
		case name == "Int" && whole && v >= math.MinInt32 && v <= math.MaxInt32:
			return int32(v), true
		case name == "Float":
			return v, true
		case name == "ID" && whole:
			form := byte('f')
			if math.Abs(v) >= 1e21 {
				form = 'e' // as JavaScript writes numbers
			}
			return strconv.FormatFloat(v+0, form, -1, 64), true // + 0 takes the sign off −0
		}
	}
	return nil, false
}

// object coerces the members of an input object.
func (c *coercion) object(t *ast.Definition, given map[string]any, field string) (any, *refusal) {
	for name := range given {
		if t.Fields.ForName(name) == nil {
			return nil, badInput(field, "has a member that is not a field of %s", t.Name)
		}
	}
	object := make(map[string]any, len(given))
	for _, member := range t.Fields {
		raw, ok := given[member.Name]
		var refused *refusal
		switch inner := field + "." + member.Name; {
		case ok:
			object[member.Name], refused = c.value(member.Type, raw, inner)
		default:
			refused = c.missing(object, member, inner)
		}
		if refused != nil {
			return nil, refused
		}
	}
	return object, nil
}

// missing returns the default of a member that was not given.
func (c *coercion) missing(object map[string]any, member *ast.FieldDefinition, field string) (refused *refusal) {
	switch {
	case member.DefaultValue != nil:
		object[member.Name], refused = c.literal(member.Type, member.DefaultValue, nil, field)
	case member.Type.NonNull:
		refused = badInput(field, "is required: its type is %s", member.Type)
	}
	return refused
}

// literal coerces a literal in which variables have these values; nil leaves the
// variables unread, to check the literal alone. A variable without a value counts
// as null here: where it may be left out, the caller looks first.
func (c *coercion) literal(t *ast.Type, v *ast.Value, variables map[string]any, field string) (any, *refusal) {
	if v.Kind == ast.Variable {
		value := variables[v.Raw]
		if variables != nil && value == nil && t.NonNull {
			return nil, badInput(field, "must not be null: its type is %s", t).at(v.Position)
		}
		return value, nil
	}
	switch {
	case v.Kind == ast.NullValue && t.NonNull:
		return nil, c.invalid(field, "must not be null: its type is "+t.String(), v)
	case v.Kind == ast.NullValue:
		return nil, nil
	case t.Elem != nil && v.Kind != ast.ListValue:
		one, refused := c.literal(t.Elem, v, variables, field)
		return []any{one}, refused
	case t.Elem != nil:
		list := make([]any, len(v.Children))
		for i, child := range v.Children {
			var refused *refusal
			if list[i], refused = c.literal(t.Elem, child.Value, variables, fmt.Sprintf("%s[%d]", field, i)); refused != nil {
				return nil, refused
			}
		}
		return list, nil
	}
	definition := c.schema.Types[t.NamedType]
	switch {
	case definition.Kind == ast.InputObject && v.Kind == ast.ObjectValue:
		return c.literalObject(definition, v, variables, field)
	case definition.Kind == ast.Enum && v.Kind == ast.EnumValue && definition.EnumValues.ForName(v.Raw) != nil:
		return v.Raw, nil
	case definition.Kind != ast.Scalar:
	case builtIn(definition):
		if value, ok := literalScalar(definition.Name, v); ok {
			return value, nil
		}
	default:
		value := plain(v, variables)
		if check := c.scalars[definition.Name]; check != nil {
			if err := check(field, value); err != nil {
				return nil, (&refusal{code: codeBadInput, message: err.Error()}).at(v.Position)
			}
		}
		return value, nil
	}
	return nil, c.invalid(field, ruleOf(definition), v)
}

// invalid is the refusal of a literal that makes the document invalid.
func (*coercion) invalid(field, rule string, v *ast.Value) *refusal {
	return (&refusal{code: codeValidation, message: field + ": " + rule}).at(v.Position)
}

// literalScalar reads literals of the built-in scalars.
func literalScalar(name string, v *ast.Value) (any, bool) {
	switch v.Kind {
	case ast.StringValue, ast.BlockValue:
		return v.Raw, name == "String" || name == "ID"
	case ast.BooleanValue:
		return v.Raw == "true", name == "Boolean"
	case ast.IntValue, ast.FloatValue:
		switch {
		case name == "Float":
			n, err := strconv.ParseFloat(v.Raw, 64)
			return n, err == nil
		case v.Kind == ast.FloatValue:
		case name == "ID":
			return v.Raw, true
		case name == "Int":
			n, err := strconv.ParseInt(v.Raw, 10, 32)
			return int32(n), err == nil
		}
	}
	return nil, false
}

// literalObject coerces the members of an input object. A member whose variable has no value is treated as absent.
func (c *coercion) literalObject(t *ast.Definition, v *ast.Value, variables map[string]any, field string) (any, *refusal) {
	for _, child := range v.Children {
		if t.Fields.ForName(child.Name) == nil {
			return nil, (&refusal{code: codeValidation, message: fmt.Sprintf("%s: has a member that is not a field of %s", field, t.Name)}).at(child.Position)
		}
	}
	object := make(map[string]any, len(v.Children))
	for _, member := range t.Fields {
		child := v.Children.ForName(member.Name)
		var refused *refusal
		switch inner := field + "." + member.Name; {
		case child != nil && !(variables != nil && unset(child, variables)):
			object[member.Name], refused = c.literal(member.Type, child, variables, inner)
		default:
			if refused = c.missing(object, member, inner); refused != nil && child == nil {
				refused.code = codeValidation
			}
		}
		if refused != nil {
			return nil, refused.at(v.Position)
		}
	}
	return object, nil
}

// unset marks a variable that has no value.
func unset(v *ast.Value, variables map[string]any) bool {
	if v.Kind != ast.Variable {
		return false
	}
	_, ok := variables[v.Raw]
	return !ok
}

// plain is a literal of a custom scalar.
func plain(v *ast.Value, variables map[string]any) any {
	switch v.Kind {
	case ast.Variable:
		return variables[v.Raw]
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw)
	case ast.BooleanValue:
		return v.Raw == "true"
	case ast.NullValue:
		return nil
	case ast.ListValue:
		list := make([]any, len(v.Children))
		for i, child := range v.Children {
			list[i] = plain(child.Value, variables)
		}
		return list
	case ast.ObjectValue:
		object := make(map[string]any, len(v.Children))
		for _, child := range v.Children {
			object[child.Name] = plain(child.Value, variables)
		}
		return object
	}
	return v.Raw // a text, or a name that is not a value of an enumeration
}
