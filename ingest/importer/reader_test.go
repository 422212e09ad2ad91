package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// all reads a file to its end, each record as its line number and text.
func all(t *testing.T, file io.Reader, mapping *Mapping) (records []Record, last error) {
	t.Helper()
	return allOf(t, file, Options{Mapping: mapping})
}

func allOf(t *testing.T, file io.Reader, o Options) (records []Record, last error) {
	t.Helper()
	r, err := Open(file, o)
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

func TestBytesReadAreThoseOfTheFile(t *testing.T) {
	file := strings.Repeat("{}\n", 1<<20) // more than is buffered
	r, err := Open(strings.NewReader(file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if read := r.BytesRead(); read == 0 || read > int64(len(file))/2 {
		t.Errorf("%d bytes of %d were read for the first line", read, len(file))
	}
	for err == nil {
		_, err = r.Next()
	}
	if read := r.BytesRead(); read != int64(len(file)) {
		t.Errorf("%d bytes of %d were read", read, len(file))
	}
}

// pipe is a file that cannot be read from any place.
type pipe struct{ *bytes.Reader }

func (pipe) Seek(int64, int) (int64, error) { return 0, errors.New("illegal seek") }

func TestParquetFromAPipeIsRefused(t *testing.T) {
	_, err := Open(pipe{bytes.NewReader([]byte("PAR1, and the rest"))}, Options{})
	if err == nil || !strings.Contains(err.Error(), "pass a file name") {
		t.Errorf("%v", err)
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

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTruncatedArchivesReturnTheLinesBeforeTheBreak(t *testing.T) {
	var text strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 20_000 {
		fmt.Fprintf(&text, `{"n":%d,"noise":%d}`+"\n", n, random.Uint64())
	}
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, whole := range map[string][]byte{"gzip": gzipped(t, text.String()), "zstd": packer.EncodeAll([]byte(text.String()), nil)} {
		got, err := all(t, bytes.NewReader(whole[:len(whole)*3/4]), nil)
		if err == nil || !strings.Contains(err.Error(), "the "+name+" archive is truncated or damaged after ") {
			t.Errorf("%s: %v", name, err)
		}
		if len(got) < 10_000 || len(got) >= 20_000 {
			t.Errorf("%s: %d records", name, len(got))
		}
		for n, record := range got {
			if !strings.HasPrefix(string(record.Event), fmt.Sprintf(`{"n":%d,`, n)) || !strings.HasSuffix(string(record.Event), "}") {
				t.Fatalf("%s: %d: %s", name, n, record.Event)
			}
		}
		damaged := bytes.Clone(whole)
		damaged[len(damaged)-6] ^= 1
		if got, err := all(t, bytes.NewReader(damaged), nil); err == nil {
			t.Errorf("%s: a wrong checksum is not an error, %d records", name, len(got))
		}
	}
	array := "[" + strings.TrimSuffix(strings.ReplaceAll(text.String(), "\n", ",\n"), ",\n") + "]"
	whole := gzipped(t, array)
	if got, err := all(t, bytes.NewReader(whole[:len(whole)/2]), nil); err == nil || len(got) < 5_000 || !strings.Contains(err.Error(), "is truncated") {
		t.Errorf("array: %d records, %v", len(got), err)
	}
	table := "a,b\n" + strings.Repeat("1,x\n", 20_000)
	whole = gzipped(t, table)
	if got, err := all(t, bytes.NewReader(whole[:len(whole)-9]), mappingOf(t, onlyTexts)); err == nil || len(got) < 1000 {
		t.Errorf("csv: %d records, %v", len(got), err)
	}
	for _, file := range []string{"\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd\x00"} {
		if _, err := all(t, strings.NewReader(file), nil); err == nil {
			t.Errorf("%q is read", file)
		}
	}
}

func TestFormatsThatAreNotReadAreRefusedByName(t *testing.T) {
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar")
	for text, want := range map[string]string{
		"\xfd7zXZ\x00rest":                           "xz",
		"PK\x03\x04rest":                             "ZIP",
		"BZh91AY":                                    "bzip2",
		"7z\xbc\xaf\x27\x1c":                         "7-Zip",
		"\x04\x22\x4d\x18":                           "lz4",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":           ".xls",
		"%PDF-1.7":                                   "PDF",
		"Obj\x01":                                    "Avro",
		"\xff\xfe\x00\x00a\x00\x00\x00":              "UTF-32",
		string(tar):                                  "tar",
		string(gzipped(t, string(tar))):              "tar",
		string(gzipped(t, "PK\x03\x04")):             "ZIP",
		string(gzipped(t, "PAR1")):                   "Parquet file inside gzip",
		string(gzipped(t, string(gzipped(t, "{}")))): "archive inside gzip",
	} {
		for _, mapping := range []*Mapping{nil, mappingOf(t, onlyTexts)} {
			if got, err := all(t, strings.NewReader(text), mapping); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || len(got) != 0 {
				t.Errorf("%.20q: %v, %d records", text, err, len(got))
			}
		}
	}
}

func TestRowsOfParquetWithoutAValueAreNamed(t *testing.T) {
	type row struct {
		Original *string `parquet:"original,optional"`
	}
	event, empty := "{}", ""
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{{&event}, {nil}, {&empty}, {&event}}); err != nil {
		t.Fatal(err)
	}
	got, err := all(t, bytes.NewReader(file.Bytes()), nil)
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	for n, record := range got {
		if missing := n == 1 || n == 2; missing != (record.Err != nil) || record.Line != int64(n+1) {
			t.Errorf("%d: %+v", n, record)
		}
	}
	for cut := 1; cut < file.Len(); cut += 7 {
		if got, err := all(t, bytes.NewReader(file.Bytes()[:cut]), nil); err == nil && cut > 4 {
			t.Errorf("cut to %d bytes: %d records", cut, len(got))
		}
	}
	var number bytes.Buffer
	if err := parquet.Write(&number, []struct {
		Original int64 `parquet:"original"`
	}{{1}}); err != nil {
		t.Fatal(err)
	}
	if got, err := all(t, bytes.NewReader(number.Bytes()), nil); err == nil {
		t.Errorf("numbers: %+v", got)
	}
	for at := range file.Len() { // damaged in any place, it is an error or other values, never the end of the process
		damaged := bytes.Clone(file.Bytes())
		damaged[at] ^= 0xff
		_, _ = all(t, bytes.NewReader(damaged), nil)
	}
}

func TestParquetReturnsTheOriginalsInOrder(t *testing.T) {
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
	if _, err := all(t, bytes.NewReader(other.Bytes()), nil); err == nil || !strings.Contains(err.Error(), "no column original") {
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
