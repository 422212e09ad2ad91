package transport_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/chatty"
	"github.com/parley-analytics/parley/query/transport"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// request is a document with its variables.
type request struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables,omitempty"`
}

// reference asks graphql-js, which `make audit` fetches.
func reference(t *testing.T, input, output any) {
	t.Helper()
	if _, err := os.Stat("testdata/audit/node_modules/graphql"); err != nil {
		t.Fatal("graphql-js is missing: run `make audit`")
	}
	asked, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "node", "reference.mjs")
	command.Dir = "testdata/audit"
	command.Stdin = bytes.NewReader(asked)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("node: %v: %s", err, complaints.String())
	}
	if err := json.Unmarshal(out, output); err != nil {
		t.Fatal(err)
	}
}

// shapes is a schema with a field for every shape of an argument. Each answers its
// arguments as JSON.
const shapes = `
schema { query: Query }
type Query {
  int(v: Int): String
  needed(v: Int!): String
  assumed(v: Int! = 5): String
  maybe(v: Int = 6): String
  float(v: Float): String
  string(v: String): String
  boolean(v: Boolean): String
  id(v: ID): String
  color(v: Color = RED): String
  ints(v: [Int]): String
  neededInts(v: [Int!]!): String
  nested(v: [[Int!]]): String
  strings(v: [String!]): String
  ids(v: [ID]): String
  colors(v: [Color!]): String
  point(v: Point): String
  neededPoint(v: Point!): String
  points(v: [Point!]): String
}
enum Color { RED GREEN }
input Point { x: Int!, y: Int = 7, z: Int! = 8, color: Color, colors: [Color!] = [GREEN], tags: [String!], ratio: Float, id: ID, inner: Point }
`

// given is an argument as the resolver gets it; unset ones are not given.
type given struct {
	set   bool
	value any
}

func (given) ImplementsGraphQLType(string) bool { return true }
func (*given) Nullable()                        {}
func (g *given) UnmarshalGraphQL(v any) error {
	g.set, g.value = true, v
	return nil
}

type shaped struct{}

type argument struct{ V given }

func (a argument) text() *string {
	content := []byte("{}")
	if a.V.set {
		content, _ = json.Marshal(map[string]any{"v": a.V.value})
	}
	text := string(content)
	return &text
}

func (shaped) Int(a argument) *string         { return a.text() }
func (shaped) Needed(a argument) *string      { return a.text() }
func (shaped) Assumed(a argument) *string     { return a.text() }
func (shaped) Maybe(a argument) *string       { return a.text() }
func (shaped) Float(a argument) *string       { return a.text() }
func (shaped) String(a argument) *string      { return a.text() }
func (shaped) Boolean(a argument) *string     { return a.text() }
func (shaped) ID(a argument) *string          { return a.text() }
func (shaped) Color(a argument) *string       { return a.text() }
func (shaped) Ints(a argument) *string        { return a.text() }
func (shaped) NeededInts(a argument) *string  { return a.text() }
func (shaped) Nested(a argument) *string      { return a.text() }
func (shaped) Strings(a argument) *string     { return a.text() }
func (shaped) Ids(a argument) *string         { return a.text() }
func (shaped) Colors(a argument) *string      { return a.text() }
func (shaped) Point(a argument) *string       { return a.text() }
func (shaped) NeededPoint(a argument) *string { return a.text() }
func (shaped) Points(a argument) *string      { return a.text() }

// positions are the fields of shapes with the types of their arguments.
var positions = [][2]string{
	{"int", "Int"}, {"needed", "Int!"}, {"assumed", "Int!"}, {"maybe", "Int"}, {"float", "Float"}, {"string", "String"}, {"boolean", "Boolean"},
	{"id", "ID"}, {"color", "Color"}, {"ints", "[Int]"}, {"neededInts", "[Int!]!"}, {"nested", "[[Int!]]"}, {"strings", "[String!]"}, {"ids", "[ID]"},
	{"colors", "[Color!]"}, {"point", "Point"}, {"neededPoint", "Point!"}, {"points", "[Point!]"},
}

// jsons are values of variables; literals the same and more, as a document has them.
var (
	jsons = []string{
		`null`, `0`, `1`, `-1`, `1.0`, `1.5`, `-0`, `1e3`, `2147483647`, `2147483648`, `-2147483648`, `-2147483649`, `9007199254740991`, `9007199254740993`, `1e20`, `1e300`,
		`"1"`, `"1.5"`, `""`, `"x"`, `"é😀"`, `"true"`, `"RED"`, `"red"`, `"BLUE"`, `true`, `false`,
		`[]`, `[1]`, `[1, null]`, `[null]`, `["1"]`, `[1.5]`, `[[1]]`, `[[1], [2, 3]]`, `[[1, null]]`, `[[], null]`, `[1, [2]]`, `["a", "b"]`, `["a", 1]`, `["RED", "GREEN"]`, `["RED", null]`, `[true]`, `[2147483648]`,
		`{}`, `{"x": 1}`, `{"x": "1"}`, `{"x": null}`, `{"x": 1, "y": null}`, `{"x": 1, "z": null}`, `{"x": 1, "z": 2}`, `{"x": 1, "w": 2}`, `{"x": 1, "w": null}`, `{"x": 1.5}`, `{"x": 2147483648}`,
		`{"x": 1, "color": "GREEN"}`, `{"x": 1, "color": "BLUE"}`, `{"x": 1, "colors": "RED"}`, `{"x": 1, "colors": []}`, `{"x": 1, "tags": "a"}`, `{"x": 1, "tags": [null]}`, `{"x": 1, "tags": [1]}`,
		`{"x": 1, "ratio": 1}`, `{"x": 1, "ratio": "1"}`, `{"x": 1, "id": 4}`, `{"x": 1, "id": 4.5}`, `{"x": 1, "inner": {"x": 2, "inner": {"x": 3}}}`, `{"x": 1, "inner": {}}`, `{"x": 1, "inner": [{"x": 2}]}`,
		`[{"x": 1}, {"x": 2, "y": 3}]`, `[{"x": 1}, null]`, `[{}]`,
	}
	literals = []string{
		`null`, `0`, `1`, `-1`, `1.0`, `1.5`, `-0`, `1e3`, `2147483647`, `2147483648`, `-2147483648`, `-2147483649`, `9007199254740993`, `99999999999999999999999999`, `1e300`,
		`"1"`, `""`, `"x"`, `"RED"`, `true`, `RED`, `red`, `BLUE`, `x`, `"\u00e9"`, `"\u{1F600}"`, `"\uD83D\uDE00"`, `"\"\\\/\b\f\n\r\t"`, `"é😀"`,
		"\"\"\"\n    a\n      b\n\n    c \"x\" \\\"\"\"\n  \"\"\"", `""""""`, `"""one"""`, `"a` + "\t" + `b"`, `"\x"`, `"\uD83D"`, `"\u12"`,
		`[]`, `[1]`, `[1, null]`, `[null]`, `["1"]`, `[[1]]`, `[[1], [2, 3]]`, `[[1, null]]`, `[[], null]`, `[1, [2]]`, `["a", "b"]`, `[RED, GREEN]`, `[RED, "GREEN"]`, `[2147483648]`, `[true]`,
		`{}`, `{x: 1}`, `{x: "1"}`, `{x: null}`, `{x: 1, y: null}`, `{x: 1, z: null}`, `{x: 1, z: 2}`, `{x: 1, w: 2}`, `{x: 1, x: 2}`, `{x: 1.5}`, `{x: 2147483648}`, `{x: 1, color: GREEN}`, `{x: 1, color: "GREEN"}`,
		`{x: 1, colors: RED}`, `{x: 1, tags: "a"}`, `{x: 1, tags: [null]}`, `{x: 1, tags: [1]}`, `{x: 1, ratio: 1}`, `{x: 1, id: 4}`, `{x: 1, id: 4.5}`, `{x: 1, inner: {x: 2, inner: {x: 3}}}`, `{x: 1, inner: {}}`,
		`[{x: 1}, {x: 2, y: 3}]`, `[{x: 1}, null]`, `[{}]`,
	}
)

func decoded(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return v
}

// requests are every value at every position, as a variable, a literal and a
// default; variables of every type at every position; and variables inside of
// literals.
func requests() []request {
	var all []request
	for _, at := range positions {
		field, of := at[0], at[1]
		all = append(all, request{Query: fmt.Sprintf("{ %s }", field)}, request{Query: fmt.Sprintf("query($v: %s) { %s(v: $v) }", of, field)})
		for _, text := range jsons {
			variables := map[string]any{"v": decoded(text)}
			all = append(all, request{fmt.Sprintf("query($v: %s) { %s(v: $v) }", of, field), variables})
		}
		for _, text := range literals {
			all = append(all,
				request{Query: fmt.Sprintf("{ %s(v: %s) }", field, text)},
				request{Query: fmt.Sprintf("query($v: %s = %s) { %s(v: $v) }", of, text, field)})
		}
		for _, other := range positions {
			for _, fallback := range []string{"", " = null", " = 1"} {
				all = append(all, request{Query: fmt.Sprintf("query($v: %s%s) { %s(v: $v) }", other[1], fallback, field)})
			}
		}
	}
	for _, c := range []struct{ declared, field string }{
		{"$v: Int", "point(v: {x: 1, y: $v})"}, {"$v: Int!", "point(v: {x: $v})"}, {"$v: Int", "point(v: {x: $v})"}, {"$v: Int = 3", "point(v: {x: $v})"},
		{"$v: Int", "point(v: {x: 1, z: $v})"}, {"$v: Int", "ints(v: [1, $v, 3])"}, {"$v: Int", "neededInts(v: [1, $v])"}, {"$v: Int!", "neededInts(v: [1, $v])"},
		{"$v: Int!", "neededInts(v: $v)"}, {"$v: [Int!]", "nested(v: [$v, [1]])"}, {"$v: String!", "point(v: {x: 1, tags: [$v]})"}, {"$v: String", "point(v: {x: 1, tags: [$v]})"},
		{"$v: Int", "point(v: {x: 1, inner: {x: 2, y: $v}})"}, {"$v: Point", "point(v: {x: 1, inner: $v})"}, {"$v: Color", "point(v: {x: 1, color: $v})"},
		{"$v: Int", "string(v: $w)"}, {"$v: Int, $v: Int", "int(v: $v)"}, {"$v: Query", "int(v: $v)"}, {"$v: Nothing", "int(v: $v)"}, {"$v: Int", "int"},
		{"$v: Boolean!", "int @include(if: $v)"}, {"$v: Boolean", "int @skip(if: $v)"}, {"$v: Boolean = true", "int @skip(if: $v) needed(v: 1)"}, {"$v: String", "int @include(if: $v)"},
		{"$v: Int", "a: int(v: $v) a: int(v: $v)"}, {"$v: Int", "a: int(v: $v) a: int(v: 1)"}, {"$v: Int", "a: int(v: 1) b: int(v: 1) c: int(v: $v) ... on Query { a: int(v: 1) }"},
		{"$v: Int", "int(v: $v, v: 1)"}, {"$v: Int", "int(w: $v)"}, {"$v: Int", "assumed(v: $v)"}, {"$v: Int = null", "maybe(v: $v)"},
	} {
		query := fmt.Sprintf("query(%s) { %s }", c.declared, c.field)
		all = append(all, request{Query: query})
		for _, text := range []string{`null`, `1`, `"1"`, `"RED"`, `true`, `[1]`, `{"x": 5}`} {
			all = append(all, request{query, map[string]any{"v": decoded(text), "unknown": 1.0}})
		}
	}
	return all
}

// normal is an answer without its messages: data, with the JSON in it read, or
// that there is none; and whether there are errors.
func normal(t *testing.T, raw []byte) (any, bool) {
	t.Helper()
	var a struct {
		Data   map[string]*string `json:"data"`
		Errors []any              `json:"errors"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if a.Data == nil {
		return nil, len(a.Errors) > 0
	}
	data := map[string]any{}
	for name, text := range a.Data {
		data[name] = nil
		if text != nil {
			data[name] = decoded(*text)
		}
	}
	return data, len(a.Errors) > 0
}

func TestVariablesAndLiteralsAgreeWithTheReference(t *testing.T) {
	parsed, err := graphql.ParseSchema(shapes, &shaped{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *transport.Config) { c.SDL, c.Executor = shapes, parsed })
	all := requests()
	var theirs struct{ Answers []json.RawMessage }
	reference(t, map[string]any{"sdl": shapes, "cases": all}, &theirs)
	if len(theirs.Answers) != len(all) {
		t.Fatalf("%d answers to %d requests", len(theirs.Answers), len(all))
	}
	differ := 0
	accepted := 0
	for i, asked := range all {
		want, wantErrors := normal(t, theirs.Answers[i])
		a := r.post(asked.Query, asked.Variables)
		got, gotErrors := normal(t, []byte(a.raw))
		if !wantErrors {
			accepted++
		}
		// The one difference: a null that a default has let through to an argument which
		// must not be null ends the request here, and the field there.
		if late := a.raw; want != nil && got == nil && wantErrors && strings.Contains(late, "must not be null") {
			differ++
			continue
		}
		if gotErrors != wantErrors || !reflect.DeepEqual(got, want) {
			t.Errorf("%s %v:\n%.300s\nwant %.300s", asked.Query, asked.Variables, a.raw, theirs.Answers[i])
		}
	}
	t.Logf("%d requests, of which %d have no error; %d end earlier", len(all), accepted, differ)
	if len(all) < 5000 || accepted < 700 || differ > 5 {
		t.Errorf("%d requests, of which %d have no error; %d end earlier", len(all), accepted, differ)
	}
}

// noTables is a store that nothing is read from.
type noTables struct{ query.Store }

func TestTheIntrospectionOfTheReferenceGivesTheSDL(t *testing.T) {
	api, err := query.New(query.Config{Store: noTables{}})
	if err != nil {
		t.Fatal(err)
	}
	customers, err := chatty.New(api, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	introspectionGives(t, sdl.SDL(), api.Schema(), 900)
	introspectionGives(t, sdl.Chatty(), customers, 100)
}

// introspectionGives compares the SDL with what graphql-js makes of the schema's
// introspection.
func introspectionGives(t *testing.T, text string, schema *graphql.Schema, lines int) {
	t.Helper()
	r := newRig(t, func(c *transport.Config) {
		c.SDL, c.Executor, c.Scalars = text, schema, query.Scalars()
	})
	var asked request
	reference(t, map[string]any{}, &asked)
	a := r.post(asked.Query, nil)
	var answered struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(a.raw), &answered); err != nil || len(answered.Data) == 0 {
		t.Fatalf("%.1000s %v", a.raw, err)
	}
	var theirs struct {
		Schemas      []string
		Introspected json.RawMessage
	}
	reference(t, map[string]any{"sdl": text, "cases": []any{}, "introspection": answered.Data}, &theirs)
	want, got := strings.Split(theirs.Schemas[0], "\n"), strings.Split(theirs.Schemas[1], "\n")
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Fatalf("line %d: %s\nwant %s", i, got[i], want[i])
		}
	}
	if len(want) != len(got) || len(want) < lines {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
	mine, reference := namedParts(t, answered.Data), namedParts(t, theirs.Introspected)
	for name, want := range reference {
		if !reflect.DeepEqual(mine[name], want) {
			got, _ := json.Marshal(mine[name])
			wanted, _ := json.Marshal(want)
			t.Errorf("%s is\n%.2000s\nwant\n%.2000s", name, got, wanted)
		}
	}
	for name := range mine {
		if reference[name] == nil && name != "type Float" && name != "type ID" && name != "type Int" {
			t.Errorf("%s is not in the schema", name)
		}
	}
}

// namedParts takes an introspection apart: its types and directives by name. What every
// schema has is only counted: the texts about it differ between libraries, and so does
// what they take over from drafts of the specification.
func namedParts(t *testing.T, answer []byte) map[string]any {
	t.Helper()
	var read struct {
		Schema map[string]any `json:"__schema"`
	}
	if err := json.Unmarshal(answer, &read); err != nil {
		t.Fatal(err)
	}
	parts := map[string]any{}
	for of, kind := range map[string]string{"types": "type ", "directives": "directive "} {
		for _, one := range read.Schema[of].([]any) {
			part := one.(map[string]any)
			name := part["name"].(string)
			switch {
			case of == "directives" && slices.Contains([]string{"skip", "include", "deprecated", "specifiedBy", "oneOf"}, name):
				part = map[string]any{"isRepeatable": part["isRepeatable"], "args": len(part["args"].([]any))}
			case strings.HasPrefix(name, "__") || slices.Contains([]string{"Int", "Float", "String", "Boolean", "ID"}, name):
				part = map[string]any{"kind": part["kind"]}
			}
			if list, ok := part["possibleTypes"].([]any); ok {
				slices.SortFunc(list, func(a, b any) int {
					return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
				})
			}
			parts[kind+name] = part
		}
		delete(read.Schema, of)
	}
	parts["schema"] = read.Schema
	return parts
}
