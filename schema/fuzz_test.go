package schema_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/parley-analytics/parley/schema"
)

// FuzzDecode holds what is true of any bytes: no panic, one of two outcomes,
// the same one again, and nothing that is taken is broken JSON or lies outside
// the ranges.
func FuzzDecode(f *testing.F) {
	for _, typ := range schema.Types() {
		f.Add([]byte(full(f, typ).String()))
	}
	for i, r := range refusals() {
		if i%10 == 0 {
			f.Add([]byte(full(f, r.typ, r.edits...).String()))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := schema.Decode(raw, taken)
		again, same := schema.Decode(raw, taken)
		if !reflect.DeepEqual(e, again) || !reflect.DeepEqual(err, same) {
			t.Fatalf("two outcomes: %+v %v, and %+v %v", e, err, again, same)
		}
		if (err == nil) != (e.Data != nil) {
			t.Fatalf("error %v with data %v", err, e.Data)
		}
		if err != nil {
			if broken := !json.Valid(raw) || !utf8.Valid(raw); err.Rule == "" || broken && err.Code != schema.CodeInvalidJSON {
				t.Fatalf("%v, while the bytes are broken: %v", err, broken)
			}
			return
		}
		if !json.Valid(raw) || !utf8.Valid(raw) || len(raw) > schema.MaxEventBytes {
			t.Fatal("broken bytes are taken")
		}
		if e.Project < 1 || e.Project > 1<<31-1 || len(e.Conversation) != 36 || e.ID == "" || e.Source == "" || e.Type == "" {
			t.Fatalf("a taken event is incomplete: %+v", e)
		}
		if e.Time < 0 || e.Time > schema.TimestampOf(taken.Add(schema.MaxAhead)) {
			t.Fatalf("time is %v", e.Time)
		}
	})
}
