package importer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// all reads a file to its end, each record as its line number and text.
func all(t *testing.T, file io.Reader, mapping *Mapping) (records []Record, last error) {
	t.Helper()
	r, err := Open(file, mapping)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		record.Event = bytes.Clone(record.Event)
		records = append(records, record)
	}
}

func TestLinesKeepTheirNumbersAndBytes(t *testing.T) {
	got, err := all(t, strings.NewReader("\ufeff{\"a\": 1.50}\r\n\n  \n{\"b\":\t2}\nno JSON"), nil)
	want := []Record{{Line: 1, Event: []byte(`{"a": 1.50}`)}, {Line: 4, Event: []byte("{\"b\":\t2}")}, {Line: 5, Event: []byte("no JSON")}}
	if err != nil || !same(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := all(t, strings.NewReader(""), nil); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %v, %v", got, err)
	}
}

func TestEndlessLineIsCutAndTheNextOneIsRead(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	got, err := all(t, strings.NewReader(long+"\n{}"), nil)
	if err != nil || len(got) != 2 || len(got[0].Event) != mostLine || string(got[1].Event) != "{}" || got[1].Line != 2 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestArraysAreReadElementByElement(t *testing.T) {
	got, err := all(t, strings.NewReader(" [ {\"a\" :\n 1.50}, 7 ,\n\"x\\ny\" ]\n"), nil)
	want := []Record{{Line: 1, Event: []byte(`{"a":1.50}`)}, {Line: 2, Event: []byte("7")}, {Line: 3, Event: []byte(`"x\ny"`)}}
	if err != nil || !same(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, broken := range []string{`[{}`, `[{},`, `[{} {}]`, `[{}] {}`, `[{"a":}]`} {
		got, err := all(t, strings.NewReader(broken), nil)
		if err == nil {
			t.Errorf("%s: %+v", broken, got)
		}
	}
}

func TestBrokenPackingIsAnError(t *testing.T) {
	for _, file := range []string{"\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd\x00"} {
		if _, err := all(t, strings.NewReader(file), nil); err == nil {
			t.Errorf("%q is read", file)
		}
	}
}

func TestParquetGivesTheOriginalsInOrder(t *testing.T) {
	type row struct {
		Sequence uint64 `parquet:"sequence"`
		Original string `parquet:"original"`
	}
	var rows []row
	for n := range 1000 {
		rows = append(rows, row{uint64(n + 1), strings.Repeat("x", n%7) + "é"})
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, rows); err != nil {
		t.Fatal(err)
	}
	got, err := all(t, bytes.NewReader(file.Bytes()), nil)
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for n, record := range got {
		if string(record.Event) != rows[n].Original || record.Line != int64(n+1) {
			t.Fatalf("%d: %s", n, record.Event)
		}
	}
	if _, err := all(t, io.MultiReader(&file), nil); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("from a pipe: %v", err)
	}
	var other bytes.Buffer
	if err := parquet.Write(&other, []struct{ A int }{{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := all(t, bytes.NewReader(other.Bytes()), nil); err == nil || !strings.Contains(err.Error(), "column original") {
		t.Errorf("of another kind: %v", err)
	}
}

func same(got, want []Record) bool {
	if len(got) != len(want) {
		return false
	}
	for n := range got {
		if got[n].Line != want[n].Line || !bytes.Equal(got[n].Event, want[n].Event) || (got[n].Err == nil) != (want[n].Err == nil) {
			return false
		}
	}
	return true
}
