package schema_test

import (
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/events"
)

// compile reads the JSON Schema of every type, formats asserted.
var compile = sync.OnceValues(func() (map[schema.Type]*jsonschema.Schema, error) {
	const base = "https://schemas.example.com/events/" // any address: references are relative
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	names, err := fs.Glob(events.Files, "*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		raw, err := fs.ReadFile(events.Files, name)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		if err != nil {
			return nil, err
		}
		if err := compiler.AddResource(base+name, doc); err != nil {
			return nil, err
		}
	}
	all := make(map[schema.Type]*jsonschema.Schema)
	for _, typ := range schema.Types() {
		if all[typ], err = compiler.Compile(base + string(typ) + ".json"); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// contract returns the compiled JSON Schema of every type.
func contract(t testing.TB) map[schema.Type]*jsonschema.Schema {
	t.Helper()
	all, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// value reads JSON the way the schema library wants it.
func value(t testing.TB, raw string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func TestEveryTypeHasASchemaAndEverySchemaAType(t *testing.T) {
	names, err := fs.Glob(events.Files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"common.json"}
	for _, typ := range schema.Types() {
		want = append(want, string(typ)+".json")
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("files are %q, want %q", names, want)
	}
	contract(t)
}

func TestSchemaTakesItsOwnTypeOnly(t *testing.T) {
	for typ, s := range contract(t) {
		for _, other := range schema.Types() {
			if err := s.Validate(value(t, full(t, other).String())); (err == nil) != (typ == other) {
				t.Errorf("schema of %s on an event of %s: %v", typ, other, err)
			}
		}
	}
}

func TestSchemaRefusesWhatDecodeRefuses(t *testing.T) {
	for _, r := range refusals() {
		d := full(t, r.typ, r.edits...)
		err := contract(t)[r.typ].Validate(value(t, d.String()))
		switch {
		case err == nil && r.beyond == "":
			t.Errorf("%s of %s: the schema takes %s", r.name, r.typ, d)
		case err != nil && r.beyond != "" && r.beyond != beyondTwice:
			t.Errorf("%s of %s: the schema refuses it, though %s", r.name, r.typ, r.beyond)
		}
	}
}

func TestEveryMemberOfASchemaIsDescribed(t *testing.T) {
	names, err := fs.Glob(events.Files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		doc := value(t, string(file(t, name))).(map[string]any)
		if doc["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s is of dialect %v", name, doc["$schema"])
		}
		if doc["description"] == nil || doc["title"] == nil {
			t.Errorf("%s has no title or description", name)
		}
		described(t, name, doc, false)
	}
}

// described walks a schema; member means that it is a member's, and so needs a
// description. Branches of a condition only add to one.
func described(t *testing.T, at string, node map[string]any, member bool) {
	t.Helper()
	if text, _ := node["description"].(string); member && text == "" {
		t.Errorf("%s has no description", at)
	}
	if node["additionalProperties"] == false || node["unevaluatedProperties"] == false {
		t.Errorf("%s is closed: unknown members are allowed everywhere", at)
	}
	for _, group := range []string{"properties", "$defs"} {
		members, _ := node[group].(map[string]any)
		for name, sub := range members {
			described(t, at+"/"+name, sub.(map[string]any), true)
		}
	}
}
