package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/vektah/gqlparser/v2/ast"
)

// introspector answers operations that ask about the schema and nothing else, from
// the SDL: as the specification of 2025 has it, with the schema's description,
// isRepeatable, specifiedByURL and isOneOf, some of which the GraphQL library does not
// know.
type introspector struct {
	schema    *ast.Schema
	document  *document
	variables map[string]any
	most      int64 // bytes of the answer

	out bytes.Buffer
}

// introspectsOnly reports whether an operation has fields of the introspection at its
// top, and no others.
func (d *document) introspectsOnly(on *ast.Schema) bool {
	if d.operation.Operation != ast.Query {
		return false
	}
	in := &introspector{schema: on, document: d}
	asked := false
	for _, fields := range in.collect(d.operation.SelectionSet, nil, nil) {
		switch fields[0].Name {
		case "__schema", "__type":
			asked = true
		case "__typename":
		default:
			return false
		}
	}
	return asked
}

// answer runs the operation. It ends early, and with a part of the data, when that is
// larger than it may be, and with ctx.
func (in *introspector) answer(ctx context.Context) *graphql.Response {
	in.object(ctx, in.schema.Query.Name, root{}, in.document.operation.SelectionSet)
	return &graphql.Response{Data: in.out.Bytes()}
}

// collect groups the fields of a selection set by their name in the answer. Without
// variables, those that @skip or @include leave out are among them.
func (in *introspector) collect(set ast.SelectionSet, groups [][]*ast.Field, seen map[string]bool) [][]*ast.Field {
	if seen == nil {
		seen = map[string]bool{}
	}
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if in.leftOut(s.Directives) {
				continue
			}
			same := func(g []*ast.Field) bool { return g[0].Alias == s.Alias }
			if at := slices.IndexFunc(groups, same); at >= 0 {
				groups[at] = append(groups[at], s)
			} else {
				groups = append(groups, []*ast.Field{s})
			}
		case *ast.InlineFragment:
			if !in.leftOut(s.Directives) {
				groups = in.collect(s.SelectionSet, groups, seen)
			}
		case *ast.FragmentSpread:
			if f := in.document.fragments[s.Name]; f != nil && !seen[s.Name] && !in.leftOut(s.Directives) {
				seen[s.Name] = true
				groups = in.collect(f.SelectionSet, groups, seen)
			}
		}
	}
	return groups
}

func (in *introspector) leftOut(list ast.DirectiveList) bool {
	if in.variables == nil {
		return false
	}
	if d := list.ForName("skip"); d != nil && d.ArgumentMap(in.variables)["if"] == true {
		return true
	}
	d := list.ForName("include")
	return d != nil && d.ArgumentMap(in.variables)["if"] == false
}

// object writes the fields of an object. All its fragments are on its own type, for
// the types of the introspection are neither interfaces nor unions.
func (in *introspector) object(ctx context.Context, name string, of node, set ast.SelectionSet) {
	if int64(in.out.Len()) > in.most || ctx.Err() != nil {
		return
	}
	in.out.WriteByte('{')
	for i, fields := range in.collect(set, nil, nil) {
		if i > 0 {
			in.out.WriteByte(',')
		}
		in.scalar(fields[0].Alias)
		in.out.WriteByte(':')
		if fields[0].Name == "__typename" {
			in.scalar(name)
			continue
		}
		var inner ast.SelectionSet
		for _, f := range fields {
			inner = append(inner, f.SelectionSet...)
		}
		arguments := fields[0].ArgumentMap(in.variables)
		in.value(ctx, of.field(in.schema, fields[0].Name, arguments), inner)
	}
	in.out.WriteByte('}')
}

func (in *introspector) value(ctx context.Context, v any, set ast.SelectionSet) {
	switch v := v.(type) {
	case []node:
		in.out.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				in.out.WriteByte(',')
			}
			in.value(ctx, element, set)
		}
		in.out.WriteByte(']')
	case node:
		in.object(ctx, v.typename(), v, set)
	default:
		in.scalar(v)
	}
}

func (in *introspector) scalar(v any) {
	content, err := plainJSON(v)
	if err != nil {
		panic(err) // strings, booleans and lists of strings
	}
	in.out.Write(content)
}

// node is an object of the introspection.
type node interface {
	typename() string
	// field returns a value of JSON, a node, or a list of nodes.
	field(s *ast.Schema, name string, arguments map[string]any) any
}

type (
	root      struct{}
	whole     struct{}
	ofType    struct{ *ast.Type }
	field     struct{ *ast.FieldDefinition }
	input     struct{ *ast.ArgumentDefinition }
	enumValue struct{ *ast.EnumValueDefinition }
	directive struct{ *ast.DirectiveDefinition }
)

func (root) typename() string      { return "" }
func (whole) typename() string     { return "__Schema" }
func (ofType) typename() string    { return "__Type" }
func (field) typename() string     { return "__Field" }
func (input) typename() string     { return "__InputValue" }
func (enumValue) typename() string { return "__EnumValue" }
func (directive) typename() string { return "__Directive" }

func (root) field(s *ast.Schema, name string, arguments map[string]any) any {
	if name == "__schema" {
		return whole{}
	}
	asked, _ := arguments["name"].(string)
	return named(s.Types[asked])
}

func (whole) field(s *ast.Schema, name string, _ map[string]any) any {
	switch name {
	case "description":
		return text(s.Description)
	case "types":
		return list(slices.Sorted(maps.Keys(s.Types)), func(name string) node { return ofType{ast.NamedType(name, nil)} })
	case "queryType":
		return named(s.Query)
	case "mutationType":
		return named(s.Mutation)
	case "subscriptionType":
		return named(s.Subscription)
	}
	// directives: the parser knows one that is not carried out here.
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Directives)), func(name string) bool { return name == "defer" })
	return list(names, func(name string) node { return directive{s.Directives[name]} })
}

func (t ofType) field(s *ast.Schema, name string, arguments map[string]any) any {
	definition := s.Types[t.NamedType]
	switch {
	case t.NonNull || t.Elem != nil:
		inner := *t.Type
		kind := "NON_NULL"
		if inner.NonNull = false; !t.NonNull {
			inner, kind = *t.Elem, "LIST"
		}
		switch name {
		case "kind":
			return kind
		case "ofType":
			return ofType{&inner}
		}
		return nil
	case name == "kind":
		return string(definition.Kind)
	case name == "name":
		return definition.Name
	case name == "description":
		return text(definition.Description)
	}
	all := arguments["includeDeprecated"] == true
	switch kind := definition.Kind; {
	case name == "specifiedByURL" && kind == ast.Scalar:
		return argument(definition.Directives.ForName("specifiedBy"), "url")
	case name == "fields" && (kind == ast.Object || kind == ast.Interface):
		return list(kept(definition.Fields, all), func(f *ast.FieldDefinition) node { return field{f} })
	case name == "interfaces" && (kind == ast.Object || kind == ast.Interface):
		return list(definition.Interfaces, func(name string) node { return ofType{ast.NamedType(name, nil)} })
	case name == "possibleTypes" && definition.IsAbstractType():
		return list(s.PossibleTypes[definition.Name], func(d *ast.Definition) node { return ofType{ast.NamedType(d.Name, nil)} })
	case name == "enumValues" && kind == ast.Enum:
		return list(kept(definition.EnumValues, all), func(v *ast.EnumValueDefinition) node { return enumValue{v} })
	case name == "inputFields" && kind == ast.InputObject:
		return list(kept(definition.Fields, all), func(f *ast.FieldDefinition) node {
			return input{&ast.ArgumentDefinition{Name: f.Name, Description: f.Description, Type: f.Type, DefaultValue: f.DefaultValue, Directives: f.Directives}}
		})
	case name == "isOneOf" && kind == ast.InputObject:
		return definition.Directives.ForName("oneOf") != nil
	}
	return nil
}

func (f field) field(_ *ast.Schema, name string, arguments map[string]any) any {
	switch name {
	case "type":
		return ofType{f.Type}
	case "args":
		return inputs(f.Arguments, arguments)
	}
	return common(name, f.Name, f.Description, f.Directives)
}

func (i input) field(_ *ast.Schema, name string, _ map[string]any) any {
	switch name {
	case "type":
		return ofType{i.Type}
	case "defaultValue":
		if i.DefaultValue == nil {
			return nil
		}
		return literalText(i.DefaultValue)
	}
	return common(name, i.Name, i.Description, i.Directives)
}

func (v enumValue) field(_ *ast.Schema, name string, _ map[string]any) any {
	return common(name, v.Name, v.Description, v.Directives)
}

func (d directive) field(_ *ast.Schema, name string, arguments map[string]any) any {
	switch name {
	case "isRepeatable":
		return d.IsRepeatable
	case "locations":
		return d.Locations
	case "args":
		return inputs(d.Arguments, arguments)
	}
	return common(name, d.Name, d.Description, nil)
}

// common are the fields of everything with a name.
func common(asked, name, description string, directives ast.DirectiveList) any {
	deprecated := directives.ForName("deprecated")
	switch asked {
	case "name":
		return name
	case "description":
		return text(description)
	case "isDeprecated":
		return deprecated != nil
	}
	return argument(deprecated, "reason")
}

// argument is the value of a directive's argument; nil without the directive.
func argument(d *ast.Directive, name string) any {
	if d == nil {
		return nil
	}
	return d.ArgumentMap(nil)[name]
}

func named(d *ast.Definition) any {
	if d == nil {
		return nil
	}
	return ofType{ast.NamedType(d.Name, nil)}
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list[T any](of []T, as func(T) node) []node {
	nodes := make([]node, len(of))
	for i, element := range of {
		nodes[i] = as(element)
	}
	return nodes
}

func inputs(of ast.ArgumentDefinitionList, arguments map[string]any) any {
	return list(kept(of, arguments["includeDeprecated"] == true), func(a *ast.ArgumentDefinition) node { return input{a} })
}

// kept are those that are shown: without fields of the introspection itself, and
// without deprecated ones where they are not asked for.
func kept[T *ast.FieldDefinition | *ast.ArgumentDefinition | *ast.EnumValueDefinition](of []T, deprecated bool) []T {
	var shown []T
	for _, element := range of {
		var name string
		var directives ast.DirectiveList
		switch e := any(element).(type) {
		case *ast.FieldDefinition:
			name, directives = e.Name, e.Directives
		case *ast.ArgumentDefinition:
			name, directives = e.Name, e.Directives
		case *ast.EnumValueDefinition:
			name, directives = e.Name, e.Directives
		}
		if !strings.HasPrefix(name, "__") && (deprecated || directives.ForName("deprecated") == nil) {
			shown = append(shown, element)
		}
	}
	return shown
}

// literalText writes a default value as documents do.
func literalText(v *ast.Value) string {
	var parts []string
	switch v.Kind {
	case ast.ListValue:
		for _, child := range v.Children {
			parts = append(parts, literalText(child.Value))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case ast.ObjectValue:
		for _, child := range v.Children {
			parts = append(parts, child.Name+": "+literalText(child.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case ast.StringValue, ast.BlockValue:
		quoted, _ := json.Marshal(v.Raw) // a string
		return string(quoted)
	}
	return v.String()
}
