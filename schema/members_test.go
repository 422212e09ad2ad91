package schema

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/schema/events"
)

// node is a piece of a JSON Schema file, with its members in their order.
type node json.RawMessage

func schemaFile(t *testing.T, name string) node {
	t.Helper()
	raw, err := fs.ReadFile(events.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return node(raw)
}

// at follows the names of members inwards.
func (n node) at(t *testing.T, path ...string) node {
	t.Helper()
	for _, name := range path {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(n, &members); err != nil {
			t.Fatalf("%v: %v", path, err)
		}
		n = node(members[name])
	}
	return n
}

// names lists the members of an object in the order written.
func (n node) names(t *testing.T) (names []string) {
	t.Helper()
	in := json.NewDecoder(bytes.NewReader(n))
	if _, err := in.Token(); err != nil {
		t.Fatal(err)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// texts reads a list of strings, null left out; an absent list is empty.
func (n node) texts(t *testing.T) (texts []string) {
	t.Helper()
	if len(n) == 0 {
		return nil
	}
	var list []*string
	if err := json.Unmarshal(n, &list); err != nil {
		t.Fatal(err)
	}
	for _, text := range list {
		if text != nil {
			texts = append(texts, *text)
		}
	}
	return texts
}

func TestDecodeKnowsTheMembersOfTheSchemasInTheirOrder(t *testing.T) {
	common := schemaFile(t, "common.json")
	of := func(typ Type, path ...string) node {
		return schemaFile(t, string(typ)+".json").at(t, append([]string{"properties", "data"}, path...)...)
	}
	for name, tt := range map[string]struct {
		schema  node
		members []member
	}{
		"attributes":   {common.at(t, "$defs", "envelope"), attributes},
		"user":         {common.at(t, "$defs", "user"), userMembers},
		"pushed user":  {common.at(t, "$defs", "pushedUser"), pushedUserMembers},
		"reference":    {common.at(t, "$defs", "ref"), refMembers},
		"opened":       {of(TypeOpened), openedMembers},
		"visitor":      {of(TypeOpened, "properties", "visitor"), visitorMembers},
		"routed":       {of(TypeRouted), routedMembers},
		"pushed":       {of(TypePushed), pushedMembers},
		"snoozed":      {of(TypeSnoozed), snoozedMembers},
		"transferred":  {of(TypeTransferred), transferredMembers},
		"closed":       {of(TypeClosed), closedMembers},
		"tagged":       {of(TypeTagged), taggedMembers},
		"untagged":     {of(TypeUntagged), taggedMembers},
		"message":      {of(TypeMessage), messageMembers},
		"author":       {of(TypeMessage, "properties", "author"), authorMembers},
		"read":         {of(TypeRead), readMembers},
		"deleted":      {of(TypeDeleted), deletedMembers},
		"customer":     {of(TypeCustomer, "properties", "customer"), customerMembers},
		"of customer":  {of(TypeCustomer), customerDataMembers},
		"seller":       {of(TypeSeller, "properties", "seller"), sellerMembers},
		"of seller":    {of(TypeSeller), sellerDataMembers},
		"satisfaction": {of(TypeSatisfaction), satisfactionMembers},
		"transaction":  {of(TypeTransaction), transactionMembers},
	} {
		var known, required []string
		for _, m := range tt.members {
			known = append(known, m.name)
			if m.required {
				required = append(required, m.name)
			}
		}
		if got := tt.schema.at(t, "properties").names(t); !slices.Equal(got, known) {
			t.Errorf("%s: the schema has %q, Decode knows %q", name, got, known)
		}
		if got := tt.schema.at(t, "required").texts(t); !slices.Equal(got, required) {
			t.Errorf("%s: the schema asks for %q, Decode for %q", name, got, required)
		}
	}
}

func TestDecodeKnowsTheValuesOfTheSchemas(t *testing.T) {
	common := schemaFile(t, "common.json")
	of := func(typ Type, path ...string) node {
		return schemaFile(t, string(typ)+".json").at(t, append([]string{"properties", "data", "properties"}, path...)...)
	}
	equal(t, "channels", of(TypeOpened, "channel"), channels)
	equal(t, "initiators", of(TypeOpened, "initiator"), initiators)
	equal(t, "operator kinds", common.at(t, "$defs", "operatorKind"), operatorKinds)
	equal(t, "author kinds", of(TypeMessage, "author", "properties", "kind"), authorKinds)
	equal(t, "readers", of(TypeRead, "reader"), readers)
	equal(t, "customer types", of(TypeCustomer, "customer", "properties", "type"), customerTypes)
	equal(t, "transaction sources", of(TypeTransaction, "source"), transactionSources)
}

func equal[T ~string](t *testing.T, what string, schema node, values []T) {
	t.Helper()
	var known []string
	for _, v := range values {
		known = append(known, string(v))
	}
	if got := schema.at(t, "enum").texts(t); !slices.Equal(got, known) {
		t.Errorf("%s: the schema has %q, Decode knows %q", what, got, known)
	}
}
