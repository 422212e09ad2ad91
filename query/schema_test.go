package query_test

import (
	"strings"
	"testing"

	"github.com/graph-gophers/graphql-go/ast"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/schema"
)

// parsed returns the SDL parsed against the resolvers; no engine is needed.
func parsed(t *testing.T) *query.API {
	t.Helper()
	tables, err := store.Open(store.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tables.Close() })
	api, err := query.New(query.Config{Store: tables})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestEveryTypeFieldArgumentAndValueIsDescribed(t *testing.T) {
	say := func(path, description string) {
		if len(description) < 2 || !strings.ContainsAny(description[len(description)-1:], ".:") {
			t.Errorf("%s is described as %q: want a sentence", path, description)
		}
	}
	for name, definition := range parsed(t).Schema().AST().Types {
		if strings.HasPrefix(name, "__") || builtIn[name] {
			continue
		}
		switch d := definition.(type) {
		case *ast.ObjectTypeDefinition:
			say(name, d.Desc)
			describedFields(say, name, d.Fields)
		case *ast.InterfaceTypeDefinition:
			say(name, d.Desc)
			describedFields(say, name, d.Fields)
		case *ast.InputObject:
			say(name, d.Desc)
			for _, v := range d.Values {
				say(name+"."+v.Name.Name, v.Desc)
			}
		case *ast.EnumTypeDefinition:
			say(name, d.Desc)
			for _, v := range d.EnumValuesDefinition {
				say(name+"."+v.EnumValue, v.Desc)
			}
		case *ast.Union:
			say(name, d.Desc)
		case *ast.ScalarTypeDefinition:
			say(name, d.Desc)
		default:
			t.Errorf("%s is a %T", name, definition)
		}
	}
}

var builtIn = map[string]bool{"Int": true, "Float": true, "String": true, "Boolean": true, "ID": true}

func describedFields(say func(path, description string), of string, fields ast.FieldsDefinition) {
	for _, f := range fields {
		say(of+"."+f.Name, f.Desc)
		for _, a := range f.Arguments {
			say(of+"."+f.Name+"("+a.Name.Name+")", a.Desc)
		}
	}
}

func TestChannelsEqualThoseOfTheEvents(t *testing.T) {
	channel := parsed(t).Schema().AST().Types["Channel"].(*ast.EnumTypeDefinition)
	want := map[string]bool{string(schema.ChannelUnknown): true}
	for _, c := range schema.Channels() {
		want[string(c)] = true
	}
	for _, v := range channel.EnumValuesDefinition {
		if !want[v.EnumValue] {
			t.Errorf("%s is not a channel of events", v.EnumValue)
		}
		delete(want, v.EnumValue)
	}
	for missing := range want {
		t.Errorf("%s is missing", missing)
	}
}
