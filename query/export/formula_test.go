package export

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func guarded(t *testing.T, text string) string {
	t.Helper()
	out, err := io.ReadAll(newFormulaGuard(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTextsThatAreFormulasAreGuarded(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		`"a","=1+1"` + "\n":                `"a","'=1+1"` + "\n",
		`"+1","-1","@x"`:                   `"'+1","'-1","'@x"`,
		"\"\tx\",\"\rx\"":                  "\"'\tx\",\"'\rx\"",
		`-12.50,+1,"-12.50"`:               `-12.50,+1,"'-12.50"`,
		`"'=x","''-x","'x","'"`:            `"''=x","'''-x","'x","'"`,
		`"a""=b","""=","x=","",,"="`:       `"a""=b","""=","x=","",,"'="`,
		"\"two\n=lines\"\n\"=x\"\r\n\"-\"": "\"two\n=lines\"\n\"'=x\"\r\n\"'-\"",
		`"{""a"":""=1""}","[-1]"`:          `"{""a"":""=1""}","[-1]"`,
		`" =x"`:                            `" =x"`,
	} {
		if got := guarded(t, text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		one, err := io.ReadAll(newFormulaGuard(iotest.OneByteReader(strings.NewReader(text))))
		if err != nil || string(one) != want {
			t.Errorf("%q byte by byte: %q, %v", text, one, err)
		}
	}
	if _, err := io.ReadAll(newFormulaGuard(io.MultiReader(strings.NewReader(`"=`), iotest.ErrReader(io.ErrUnexpectedEOF)))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// TestGuardChangesFormulasAlone writes any texts as ClickHouse does and reads them
// as a spreadsheet does.
func TestGuardChangesFormulasAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching("['=+@\t\n\",a-]{0,6}"), 2, 40).Draw(t, "texts")
		var file strings.Builder
		for n, text := range texts {
			if n > 0 {
				file.WriteByte(",\n"[n%2])
			}
			file.WriteString(`"` + strings.ReplaceAll(text, `"`, `""`) + `"`)
		}
		out, err := io.ReadAll(newFormulaGuard(iotest.HalfReader(strings.NewReader(file.String()))))
		if err != nil {
			t.Fatal(err)
		}
		reader := csv.NewReader(strings.NewReader(string(out)))
		reader.FieldsPerRecord = -1
		rows, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		cells := slices.Concat(rows...)
		if len(cells) != len(texts) {
			t.Fatalf("%d cells of %d", len(cells), len(texts))
		}
		for n, cell := range cells {
			if cell != "" && formula(cell[0]) {
				t.Errorf("%q is a formula", cell)
			}
			back := cell
			if rest := strings.TrimLeft(cell, "'"); len(rest) < len(cell) && rest != "" && formula(rest[0]) {
				back = cell[1:]
			}
			if back != texts[n] {
				t.Errorf("%q came back as %q", texts[n], back)
			}
		}
	})
}

func BenchmarkFormulaGuard(b *testing.B) {
	text := strings.Repeat(`7,"2026-03-02T10:00:00.000Z","CHAT","Ada Lovelace",-12.5,"{""a"":1}",`+"\n", 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := io.Copy(io.Discard, newFormulaGuard(strings.NewReader(text))); err != nil {
			b.Fatal(err)
		}
	}
}
