package schema

import (
	"reflect"
	"testing"
	"time"
)

// closedV0 is the data of an imaginary version before closed.v1: it gave the
// operator's id alone.
type closedV0 struct{ operator OperatorID }

func (*closedV0) eventData() {}

// closedV00 came before that one, and had nothing.
type closedV00 struct{}

func (*closedV00) eventData() {}

const (
	typeClosedV0  Type = "parley.conversation.closed.v0"
	typeClosedV00 Type = "parley.conversation.closed.v00"
)

// older knows what current knows, and the two versions before closed.v1.
func older() decoder {
	forms := append([]form{
		{
			name: typeClosedV00,
			read: func(s *scanner) (Data, *Error) {
				o := s.object([]member{})
				o.next()
				return new(closedV00), o.end()
			},
			upcast: Upcast{To: typeClosedV0, Data: func(Data) Data { return &closedV0{operator: 7} }},
		},
		{
			name: typeClosedV0,
			read: func(s *scanner) (Data, *Error) {
				d := new(closedV0)
				o := s.object([]member{{"operator", true}})
				for o.next() {
					d.operator = o.operatorID()
				}
				return d, o.end()
			},
			upcast: Upcast{To: TypeClosed, Data: func(d Data) Data {
				return &Closed{By: &User{ID: d.(*closedV0).operator}}
			}},
		},
	}, current.forms...)
	return decoder{forms: forms}
}

func event(typ Type, data string) []byte {
	return []byte(`{"specversion":"1.0","id":"1","source":"s","type":"` + string(typ) + `","time":"2024-03-01T10:59:58Z",
		"subject":"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01","projectid":1,"data":` + data + `}`)
}

func TestOlderVersionIsUpcastToTheNewest(t *testing.T) {
	now := time.Date(2024, time.March, 3, 0, 0, 0, 0, time.UTC)
	for typ, data := range map[Type]string{
		typeClosedV00: `{}`,
		typeClosedV0:  `{"operator":7}`,
		TypeClosed:    `{"byUser":{"id":7}}`,
	} {
		e, err := older().decode(event(typ, data), now)
		if err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		if e.Type != TypeClosed || !reflect.DeepEqual(e.Data, &Closed{By: &User{ID: 7}}) {
			t.Errorf("%s gives %s %+v", typ, e.Type, e.Data)
		}
	}
}

func TestOlderVersionIsJudgedByItsOwnRules(t *testing.T) {
	_, err := older().decode(event(typeClosedV0, `{"byUser":{"id":7}}`), time.Now())
	if err == nil || err.Code != CodeMissing || err.Field != "data.operator" {
		t.Errorf("got %v", err)
	}
	if _, err := Decode(event(typeClosedV0, `{"operator":7}`), time.Now()); err == nil || err.Code != CodeUnknownType {
		t.Errorf("without its form: got %v", err)
	}
}

// Every version has its row once, Types lists each of them in order, and upcasts
// lead to a newest version.
func TestFormsAreTheTypes(t *testing.T) {
	var names []Type
	for _, f := range current.forms {
		names = append(names, f.name)
		steps := 0
		for at := &f; at.upcast.To != ""; steps++ {
			if at = named(current.forms, at.upcast.To); at == nil || steps > len(current.forms) {
				t.Fatalf("upcasts of %s lead nowhere", f.name)
			}
		}
	}
	if !reflect.DeepEqual(names, Types()) {
		t.Errorf("forms are %q, types are %q", names, Types())
	}
	seen := map[Type]bool{}
	for _, name := range names {
		if seen[name] {
			t.Errorf("%s occurs twice", name)
		}
		seen[name] = true
	}
}
