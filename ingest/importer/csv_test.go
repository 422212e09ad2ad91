package importer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

const small = `
events:
  - {id: "{a}", source: s, type: t, time: "{b:time}", subject: "{c:uuid}", projectid: 7, when: "{a}", data: {n: "{d:number}", flag: "{e:bool}", who: {id: "{f:operator}"}, text: "{a} and {b}", fixed: 3}}
`

func mappingOf(t *testing.T, text string) *Mapping {
	t.Helper()
	m, err := ReadMapping(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCellsBecomeMembersOfTheirForms(t *testing.T) {
	got, err := all(t, strings.NewReader("a,b,c,d,e,f\n"+
		"1,2026-01-02T03:04:05+01:00,0B6F4B2E-7c1e-4a53-9d52-0d7a4c9b1e10,12.50,TRUE,42\n"+
		",2026-01-02T03:04:05Z,x,1,true,2\n"+
		"2,2026-01-02T03:04:05Z,ticket 9,,,\n"), mappingOf(t, small))
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	want := []string{
		`{"data":{"fixed":3,"flag":true,"n":12.50,"text":"1 and 2026-01-02T03:04:05+01:00","who":{"id":42}},"datacontenttype":"application/json","id":"1",` +
			`"projectid":"7","source":"s","specversion":"1.0","subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","time":"2026-01-02T02:04:05.000Z","type":"t"}`,
		`{"data":{"fixed":3,"text":"2 and 2026-01-02T03:04:05Z"},"datacontenttype":"application/json","id":"2","projectid":"7","source":"s",` +
			`"specversion":"1.0","subject":"` + idOf("c", "ticket 9") + `","time":"2026-01-02T03:04:05.000Z","type":"t"}`,
	}
	for n := range want {
		if string(got[n].Event) != want[n] {
			t.Errorf("got  %s\nwant %s", got[n].Event, want[n])
		}
	}
}

func TestTimesOfACellAreReadAsThoseOfAnEventUnlessALayoutIsGiven(t *testing.T) {
	for _, c := range []struct{ layout, zone, text, want string }{
		{"", "", "2016-12-31t23:59:60.5z", "2017-01-01T00:00:00.500Z"},
		{"", "", "2026-01-02T03:04:05,5Z", ""},
		{"", "", "2026-01-02 03:04:05", ""},
		{"2006-01-02 15:04:05", "Europe/Paris", "2026-01-02 03:04:05", "2026-01-02T02:04:05.000Z"},
	} {
		settings := small
		if c.layout != "" {
			settings += "timeLayout: \"" + c.layout + "\"\ntimeZone: " + c.zone + "\n"
		}
		r := row{mapping: mappingOf(t, settings), header: []string{"b"}, cells: []string{c.text}}
		if got, err := r.cell("b", "time"); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}

// idOf is the UUID of a value that is none.
func idOf(column, value string) string {
	r := row{mapping: &Mapping{}, header: []string{column}, cells: []string{value}}
	id, _ := r.cell(column, "uuid") // never fails
	return id
}

func TestRowsThatCannotBeReadAreNamed(t *testing.T) {
	got, err := all(t, strings.NewReader("a,b,c,d,e,f\n"+
		"1,2026-01-02T03:04:05Z,x,much,true,1\n"+
		"1,2026-01-02T03:04:05Z,x,1,maybe,1\n"+
		"1,today,x,1,true,1\n"+
		"1,\"2026\n"), mappingOf(t, small))
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	for n, want := range []string{
		"data: n: column d: must be a decimal number", "data: flag: column e: must be true or false", "time: column b: must be a time like ", "the quote that opens at column 3 is never closed",
	} {
		if got[n].Err == nil || got[n].Line != int64(n+2) || !strings.Contains(got[n].Err.Error(), want) {
			t.Errorf("%d: line %d, %v; want %s", n, got[n].Line, got[n].Err, want)
		}
	}
}

func TestMappingsThatCannotWorkAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "mapping: ",
		"events: []":                     "events is required",
		"evnets: []":                     "evnets",
		"events: [{id: x}]":              "is required",
		"delimiter: ab\n" + small:        "one character",
		"timeZone: Nowhere/At\n" + small: "timeZone",
	} {
		if _, err := ReadMapping(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := all(t, strings.NewReader("a,b,c,d,e\n"), mappingOf(t, small)); err == nil || !strings.Contains(err.Error(), `no column "f"`) {
		t.Errorf("a missing column: %v", err)
	}
	if _, err := all(t, strings.NewReader(""), mappingOf(t, small)); err == nil {
		t.Error("no first row")
	}
}

// cells of the CSV below that have a text.
const onlyTexts = `
events:
  - {id: "{a}", source: s, type: t, time: now, subject: x, projectid: 7, data: {b: "{b}"}}
`

// recordsOf returns the records of a CSV file: the member b, or the line and
// error.
func recordsOf(t *testing.T, text string, o Options) (out []string, last error) {
	t.Helper()
	records, err := allOf(t, strings.NewReader(text), o)
	for _, r := range records {
		if r.Err != nil {
			out = append(out, fmt.Sprintf("%d! %v", r.Line, r.Err))
			continue
		}
		var event struct{ Data struct{ B any } }
		if err := json.Unmarshal(r.Event, &event); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d %v", r.Line, event.Data.B))
	}
	return out, err
}

func wantTold(t *testing.T, text string, o Options, want ...string) {
	t.Helper()
	got, err := recordsOf(t, text, o)
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %q, %v\nwant %q", got, err, want)
	}
	for n := range want {
		if !strings.HasPrefix(got[n], want[n]) {
			t.Errorf("got %q, want %q", got[n], want[n])
		}
	}
}

func TestOpenQuoteCostsItsLineOnly(t *testing.T) {
	o := Options{Mapping: mappingOf(t, onlyTexts)}
	wantTold(t, "a,b\n1,x\n2,\"open\n3,y\n4,z\n", o, "2 x", "3! the quote that opens at column 3 is never closed", "4 y", "5 z")
	wantTold(t, "a,b\n2,\"open\n3,\"closed\"\n4,\"two\nlines\"\n5,z", o,
		"2! the quote that opens at column 3 is not closed before the next one, in line 3", "3 closed", "4 two\nlines", "6 z")
	long := strings.Repeat("5,"+strings.Repeat("y", 1000)+"\n", 1100)
	got, err := recordsOf(t, "a,b\n1,\"open\n"+long, o)
	if err != nil || len(got) != 1101 || !strings.HasPrefix(got[0], "2! the quote that opens at column 3 is not closed within 1 MiB") || !strings.HasPrefix(got[1], "3 yyy") {
		t.Errorf("%d records, %.80q, %v", len(got), got, err)
	}
	wantTold(t, "a,b\n1,\"open\n"+strings.Repeat("x", 3<<20)+"\n3,z\n", o, "2! the quote", "3! is longer than 1 MiB", "4 z")
	wantTold(t, "a,b\n\"\"\"1\"\"\",\"a \"\"b\"\", c\"\r\n\n2,5\" screen\n3,z\n", o, "2 a \"b\", c", "4! bare \" in non-quoted-field", "5 z")
	wantTold(t, "a;b\n1;\"x;y\"\n2;z\n", Options{Mapping: mappingOf(t, "delimiter: \";\"\n"+onlyTexts)}, "2 x;y", "3 z")
}

func TestQuotesThatNeverCloseAreReadInLinearTime(t *testing.T) {
	lines := strings.Repeat("1,\"open\n", 200_000)
	got, err := recordsOf(t, "a,b\n"+lines, Options{Mapping: mappingOf(t, onlyTexts)})
	if err != nil || len(got) != 200_000 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestTextIsReadInItsEncoding(t *testing.T) {
	mapping := mappingOf(t, onlyTexts)
	utf16 := func(order unicode.Endianness, bom unicode.BOMPolicy) string {
		text, err := unicode.UTF16(order, bom).NewEncoder().String("a,b\n1,Zoë €\n")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	little, big := unicode.LittleEndian, unicode.BigEndian
	for name, c := range map[string]struct{ text, encoding, want string }{
		"UTF-8":                         {"a,b\n1,Zoë €\n", "", "2 Zoë €"},
		"UTF-8 with a mark":             {"\ufeffa,b\n1,Zoë €\n", "windows-1252", "2 Zoë €"},
		"Windows-1252":                  {"a,b\n1,Zo\xeb \x80\n", "windows-1252", "2 Zoë €"},
		"ISO 8859-15":                   {"a,b\n1,Zo\xeb \xa4\n", "ISO-8859-15", "2 Zoë €"},
		"UTF-16 LE with a mark":         {utf16(little, unicode.UseBOM), "", "2 Zoë €"},
		"UTF-16 BE with a mark":         {utf16(big, unicode.UseBOM), "", "2 Zoë €"},
		"UTF-16 with a mark, said":      {utf16(big, unicode.UseBOM), "utf-16", "2 Zoë €"},
		"UTF-16 LE":                     {utf16(little, unicode.IgnoreBOM), "utf-16le", "2 Zoë €"},
		"UTF-16 BE":                     {utf16(big, unicode.IgnoreBOM), "utf-16be", "2 Zoë €"},
		"Windows-1252 and nothing said": {"a,b\n1,Zo\xeb\n", "", "2! column b: is not UTF-8: byte 0xEB; if the file has another encoding, pass it, e.g. --encoding windows-1252"},
		"a written U+FFFD":              {"a,b\n1,\ufffd\n", "", "2 \ufffd"},
		"a wrong name":                  {"a,b\n1,\x81\x20\n", "shift_jis", "2! column b: has bytes that are not shift_jis"},
	} {
		t.Run(name, func(t *testing.T) { wantTold(t, c.text, Options{Mapping: mapping, Encoding: c.encoding}, c.want) })
	}
	for text, want := range map[string]string{
		utf16(little, unicode.IgnoreBOM): "--encoding utf-16le",
		utf16(big, unicode.IgnoreBOM):    "--encoding utf-16be",
		"a,b\xe9\n1,2\n":                 "csv: line 1 must name the columns: is not UTF-8: byte 0xE9",
	} {
		if _, err := recordsOf(t, text, Options{Mapping: mapping}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := recordsOf(t, "", Options{Mapping: mapping, Encoding: "windows-99"}); err == nil || !strings.Contains(err.Error(), `unknown encoding "windows-99"`) {
		t.Error(err)
	}
}

func TestNumbersFollowTheMappingAndIdsStayText(t *testing.T) {
	const numbers = `
events:
  - {id: "{a}", source: s, type: t, time: now, subject: x, projectid: 7, data: {b: "{a}/{b:number}"}}
`
	for settings, cases := range map[string]map[string]string{
		"":                          {"0012.50": "12.50", "007": "7", "-003": "-3", "000": "0", "0.05": "0.05", "1,5": "!", "1.23456": "!", "": "", "x": "!", "-": "!", "1e3": "!"},
		"decimalSeparator: \",\"\n": {"12,50": "12.50", "-0012,5": "-12.5", "1234": "1234", "12.50": "!", "1,2,3": "!"},
		"decimalSeparator: \",\"\ngroupSeparator: \".\"\n": {"1.234,56": "1234.56", "1.234.567": "1234567", "12.50": "!", "1.2345": "!", ".234": "!", "1234,5": "1234.5"},
		"groupSeparator: \",\"\n":                          {"1,234.56": "1234.56", "-1,234,567": "-1234567", "1,23": "!"},
		"decimalSeparator: \",\"\ngroupSeparator: \" \"\n": {"1 234,56": "1234.56", "1\u00a0234\u202f567,5": "1234567.5"},
	} {
		o := Options{Mapping: mappingOf(t, "delimiter: \";\"\n"+settings+numbers)}
		for text, want := range cases {
			want = "2 007/" + want
			if strings.HasSuffix(want, "!") {
				want = "2! data: b: column b: must be a decimal number with"
			}
			wantTold(t, "a;b\n007;"+text+"\n", o, want)
		}
	}
	got, err := all(t, strings.NewReader("a,b,c,d,e,f\n0042,2026-01-02T03:04:05Z,x,0012.50,true,007\n"), mappingOf(t, small))
	if err != nil || len(got) != 1 || !strings.Contains(string(got[0].Event), `"n":12.50`) || !strings.Contains(string(got[0].Event), `"id":"0042"`) ||
		!strings.Contains(string(got[0].Event), `"who":{"id":7}`) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{"decimalSeparator: x\n", "groupSeparator: \".\"\n", "groupSeparator: x\n", "delimiter: '\"'\n"} {
		if _, err := ReadMapping(strings.NewReader(wrong + numbers)); err == nil || !strings.Contains(err.Error(), "eparator must be") && !strings.Contains(err.Error(), "delimiter") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestFormulaGuardIsRemovedIfTheMappingSaysSo(t *testing.T) {
	file := "a,b\n1,'=1+1\n2,''-x\n3,'plain\n4,=y\n5,''\n"
	wantTold(t, file, Options{Mapping: mappingOf(t, "formulaGuard: true\n"+onlyTexts)}, "2 =1+1", "3 '-x", "4 'plain", "5 =y", "6 ''")
	wantTold(t, file, Options{Mapping: mappingOf(t, onlyTexts)}, "2 '=1+1", "3 ''-x", "4 'plain", "5 =y", "6 ''")
}
