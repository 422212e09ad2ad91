package importer

import (
	"strings"
	"testing"
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
		"data: n: column d: must be a decimal number", "data: flag: column e: must be true or false", "time: column b: must be a time like ", "extraneous or missing",
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
