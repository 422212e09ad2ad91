package schema_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/events"
)

// taken is the moment at which the log takes the events of these tests.
var taken = time.Date(2024, time.March, 3, 0, 0, 0, 0, time.UTC)

// document is a JSON object as text that can be edited: members keep their
// order, values their spelling, and a name may occur twice.
type document struct{ members []documentMember }

type documentMember struct {
	name string
	raw  string    // any value but an object
	sub  *document // an object
}

func parseDocument(t testing.TB, text string) *document {
	t.Helper()
	d := new(document)
	in := json.NewDecoder(strings.NewReader(text))
	if _, err := in.Token(); err != nil {
		t.Fatal(err)
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			t.Fatal(err)
		}
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			t.Fatal(err)
		}
		m := documentMember{name: name.(string), raw: string(raw)}
		if raw[0] == '{' {
			m = documentMember{name: m.name, sub: parseDocument(t, string(raw))}
		}
		d.members = append(d.members, m)
	}
	return d
}

func (d *document) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range d.members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(m.name) + ":")
		if m.sub != nil {
			b.WriteString(m.sub.String())
		} else {
			b.WriteString(m.raw)
		}
	}
	b.WriteByte('}')
	return b.String()
}

// find goes to the member at a path such as data.toUser.id; missing objects on
// the way are made, and i is -1 where the member itself is missing.
func (d *document) find(path string) (in *document, name string, i int) {
	first, rest, deeper := strings.Cut(path, ".")
	i = slices.IndexFunc(d.members, func(m documentMember) bool { return m.name == first })
	if !deeper {
		return d, first, i
	}
	if i < 0 {
		i = len(d.members)
		d.members = append(d.members, documentMember{name: first})
	}
	if d.members[i].sub == nil {
		d.members[i].sub = new(document)
	}
	return d.members[i].sub.find(rest)
}

// get returns the value at a path, "" if there is none.
func (d *document) get(path string) string {
	first, rest, deeper := strings.Cut(path, ".")
	for _, m := range d.members {
		switch {
		case m.name != first:
		case deeper && m.sub != nil:
			return m.sub.get(rest)
		case m.sub != nil:
			return m.sub.String()
		default:
			return m.raw
		}
	}
	return ""
}

// An edit changes an event; several do so one after the other.
type edit func(*document)

// set sets the member at a path to a value, in JSON.
func set(path, raw string) edit {
	return func(d *document) {
		in, name, i := d.find(path)
		m := documentMember{name: name, raw: raw}
		if i < 0 {
			in.members = append(in.members, m)
			return
		}
		in.members[i] = m
	}
}

// drop removes the member at a path.
func drop(path string) edit {
	return func(d *document) {
		in, name, _ := d.find(path)
		in.members = slices.DeleteFunc(in.members, func(m documentMember) bool { return m.name == name })
	}
}

// again adds one more member at a path, though there is one.
func again(path, raw string) edit {
	return func(d *document) {
		in, name, _ := d.find(path)
		in.members = append(in.members, documentMember{name: name, raw: raw})
	}
}

// file returns a file of the contract.
func file(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := fs.ReadFile(events.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// full returns an event of a type that has every known member: the example in
// its JSON Schema, changed by the edits.
func full(t testing.TB, typ schema.Type, edits ...edit) *document {
	t.Helper()
	var contract struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(file(t, string(typ)+".json"), &contract); err != nil {
		t.Fatal(err)
	}
	if len(contract.Examples) == 0 {
		t.Fatalf("the schema of %s has no example", typ)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, contract.Examples[0]); err != nil {
		t.Fatal(err)
	}
	d := parseDocument(t, compact.String())
	for _, change := range edits {
		change(d)
	}
	return d
}

// mustDecode decodes an event that has to be valid.
func mustDecode(t testing.TB, raw string) schema.Event {
	t.Helper()
	e, err := schema.Decode([]byte(raw), taken)
	if err != nil {
		t.Fatalf("%s\nrefused: %v", raw, err)
	}
	return e
}

// accepted decodes an event that Decode and the JSON Schema of its type have to
// take.
func accepted(t testing.TB, d *document) schema.Event {
	t.Helper()
	e := mustDecode(t, d.String())
	if err := contract(t)[e.Type].Validate(value(t, d.String())); err != nil {
		t.Errorf("%s\ndecodes, but its JSON Schema says: %v", d, err)
	}
	return e
}

// data returns the data of an event that has to be accepted.
func data[T any](t testing.TB, d *document) *T {
	t.Helper()
	e := accepted(t, d)
	found, ok := e.Data.(any).(*T)
	if !ok {
		t.Fatalf("got %T", e.Data)
	}
	return found
}
