package schema

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// valid reports whether the scanner takes raw as one JSON value.
func valid(raw []byte) bool {
	s := scanner{buf: raw}
	s.skip()
	s.peek()
	return s.fault == nil && s.pos == len(raw)
}

// depthOf counts how deeply a valid JSON text nests.
func depthOf(raw []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// checkValid compares the scanner with json.Valid, but for the two points where
// it is stricter.
func checkValid(t interface{ Errorf(string, ...any) }, raw []byte) {
	want := json.Valid(raw) && utf8.Valid(raw) && depthOf(raw) <= MaxDepth
	if got := valid(raw); got != want {
		t.Errorf("scanner says %v to %q, json.Valid %v", got, raw, json.Valid(raw))
	}
}

// pieces are what JSON and near-JSON are made of.
var pieces = []string{
	"{", "}", "[", "]", ":", ",", `"`, `\`, `""`, `"a"`, `"a":`, `"é"`, `"\n"`, `\u12aB`, `"\ud83d\ude00"`, `\u`, `\/`, "\x00", "\n", " ", "\t",
	"\r", "\v", "\xff", "\xc3", "0", "1", "-", "-0", "1.5", ".", "e", "E+1", "1e-3", "01", "null", "nul", "true", "false", "NaN", "\ufeff", "\u2028",
}

func TestScannerTakesWhatEncodingJSONTakes(t *testing.T) {
	for _, raw := range []string{
		"", " ", "0", "-0", "-", "00", "01", "-01", "1.", ".1", "1.0", "1e", "1e+", "1e5", "1E-05", "+1", "1 2", "0x1", "1_0",
		`""`, `"`, `"\`, `"\"`, `"\u123"`, `"\u1234"`, `"\u123g"`, `"\U1234"`, `"\'"`, "\"\t\"", "\"\x7f\"", "\"\u2028\"", `"\ud800"`,
		"null", "nulls", "nul", "true", "truefalse", "True", "[]", "[", "]", "[,]", "[1,]", "[1 2]", "[1,2]", "[[]]", "{}", "{", "{,}", `{"a"}`,
		`{"a":}`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":1,"a":2}`, `{"":0}`, `{1:2}`, `{"a"::1}`, `{"a":1}}`, "\ufeff{}", "/**/1", "1\x00",
		"\x00", "{}\x00", " \t\r\n1\n", "\v1", "\u00a01",
	} {
		checkValid(t, []byte(raw))
	}
	rapid.Check(t, func(t *rapid.T) {
		checkValid(t, []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), "")))
	})
}

func TestScannerBoundsNesting(t *testing.T) {
	for _, pair := range [][2]string{{"[", "]"}, {`{"a":`, "}"}, {`[{"a":`, "}]"}} {
		for n := 1; n <= MaxDepth+1; n++ {
			raw := []byte(strings.Repeat(pair[0], n) + "1" + strings.Repeat(pair[1], n))
			if got, want := valid(raw), depthOf(raw) <= MaxDepth; got != want {
				t.Fatalf("depth %d: got %v", depthOf(raw), got)
			}
		}
	}
}

func TestScannerReadsStringsAsEncodingJSONDoes(t *testing.T) {
	escapes := []string{`\n`, `\"`, `\\`, `\/`, `\b\f\r\t`, `\u0000`, `\u00e9`, `\uD83D\uDE00`, `\ud83d`, `\ude00`, `\ud83d\ud83d\ude00`, `\ud83dx`, "a", "é", "😀", "\x7f", ""}
	rapid.Check(t, func(t *rapid.T) {
		raw := `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(escapes), 0, 8).Draw(t, "parts"), "") + `"`
		var want string
		if err := json.Unmarshal([]byte(raw), &want); err != nil {
			t.Fatal(err)
		}
		o := object{scanner: &scanner{buf: []byte(raw)}}
		if got := o.text(); got != want || o.fault != nil || o.err != nil {
			t.Fatalf("%s is %q, not %q", raw, want, got)
		}
		named := scanner{buf: []byte("{" + raw + ":1}")}
		named.peek()
		named.enter()
		if name, more := named.key(); !more || string(name) != want {
			t.Fatalf("%s as a name is %q, not %q", raw, want, name)
		}
	})
}

func FuzzScanner(f *testing.F) {
	for _, raw := range []string{`{"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{}}`, `[`, `"\ud800"`, "\"\xff\"", `01`, ``} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { checkValid(t, raw) })
}
