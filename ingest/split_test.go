package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestElementsAreCutByteForByte(t *testing.T) {
	for body, want := range map[string][]string{
		`[1]`: {`1`},
		` [ {"a":"]},\"\\"} , [[1],{}],"x" , null ] `: {`{"a":"]},\"\\"}`, `[[1],{}]`, `"x"`, `null`},
		`["\\","\\\"",-1.5e3]`:                        {`"\\"`, `"\\\""`, `-1.5e3`},
	} {
		events, err := splitArray([]byte(body))
		var got []string
		for _, e := range events {
			got = append(got, string(e))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v", body, got, err)
		}
	}
}

// elements is what encoding/json makes of a batch.
func elements(body []byte) ([]json.RawMessage, bool) {
	if first := trimSpace(body); len(first) == 0 || first[0] != '[' {
		return nil, false
	}
	var all []json.RawMessage
	err := json.Unmarshal(body, &all)
	return all, err == nil
}

func FuzzSplitArrayAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{`[]`, `[{}]`, `[{"a":"]"},"\\\"",[1,2] ]`, `[1,]`, `[,1]`, `[{]}`, `["`, `[{"a":1}}]`, `[tru,e]`, `[1]2]`, `]`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		want, valid := elements(body)
		got, err := splitArray(body)
		ok := err == nil || errors.Is(err, errNoEvent)
		for _, e := range got {
			ok = ok && json.Valid(e)
		}
		if ok != valid {
			t.Fatalf("%q: readable %v, encoding/json says %v (%v)", body, ok, valid, err)
		}
		if !valid {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d elements, want %d", body, len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("%q: element %d is %q, want %q", body, i, got[i], want[i])
			}
		}
	})
}

func FuzzSplitLinesLosesNothing(f *testing.F) {
	f.Add([]byte("{}\n\r\n a \n\n\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		lines, err := splitLines(body)
		if err != nil {
			if len(trimSpace(body)) != 0 && !errors.Is(err, errTooMany) {
				t.Fatal(err)
			}
			return
		}
		squeeze := func(b []byte) string {
			return string(slices.DeleteFunc(bytes.Clone(b), isSpace))
		}
		if squeeze(bytes.Join(lines, nil)) != squeeze(body) {
			t.Fatalf("%q became %q", body, lines)
		}
		for _, line := range lines {
			if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
				t.Fatalf("line %q", line)
			}
		}
	})
}

func BenchmarkSplitArray(b *testing.B) {
	body := []byte("[" + strings.Repeat(event("a-common-id")+",", 999) + event("the last") + "]")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := splitArray(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}
