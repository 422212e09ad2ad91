package clickhouse

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var literals = regexp.MustCompile(`'[^']*'`)

func TestFilesAreNumberedSingleStatements(t *testing.T) {
	var views []File
	for _, v := range Views() {
		views = append(views, v.File)
	}
	for folder, list := range map[string][]File{"meta": Meta(), "projection": Projection(7), "views": views} {
		for i, f := range list {
			if prefix := fmt.Sprintf("%s/%04d_", folder, i+1); !strings.HasPrefix(f.Name, prefix) {
				t.Errorf("%s does not begin with %s", f.Name, prefix)
			}
			if strings.Contains(literals.ReplaceAllString(f.Statement, ""), ";") {
				t.Errorf("%s ends its statement itself, or holds several", f.Name)
			}
			if !strings.HasPrefix(f.Statement, "CREATE TABLE IF NOT EXISTS ") && !strings.HasPrefix(f.Statement, "CREATE OR REPLACE VIEW ") &&
				!strings.HasPrefix(f.Statement, "ALTER TABLE ") && !strings.HasPrefix(f.Statement, "DROP TABLE IF EXISTS ") && !strings.HasPrefix(f.Statement, "RENAME TABLE IF EXISTS ") && !strings.HasPrefix(f.Statement, "TRUNCATE TABLE IF EXISTS ") && !strings.HasPrefix(f.Statement, "INSERT INTO parley_7.") &&
				(!strings.HasPrefix(f.Statement, "INSERT INTO parley_meta.") || !strings.Contains(f.Statement, "insert_deduplication_token = ")) {
				t.Errorf("%s may not be repeatable: %.40s", f.Name, f.Statement)
			}
		}
	}
}

func TestAFinishedTableHasAFile(t *testing.T) {
	for _, f := range Finished(7) {
		if !strings.HasPrefix(f.Statement, "CREATE TABLE IF NOT EXISTS parley_7."+f.Table()+"\n") {
			t.Errorf("%s: %.80s", f.Name, f.Statement)
		}
	}
}

func TestProjectionsHaveADatabaseEach(t *testing.T) {
	for _, f := range slices.Concat(Projection(7), Finished(7)) {
		if !strings.Contains(f.Statement, " parley_7.") || strings.Contains(f.Statement, "$") {
			t.Errorf("%s: %.80s", f.Name, f.Statement)
		}
	}
}

func TestViewsSayWhatTheyReadFrom(t *testing.T) {
	for _, v := range Views() {
		name := strings.TrimSuffix(path.Base(v.Name), ".sql")
		if !strings.HasSuffix(name, "_"+v.View) {
			t.Errorf("%s makes %q", v.Name, v.View)
		}
		if v.Definer != OpenDefiner && v.Definer != PersonalDefiner {
			t.Errorf("%s has the rights of %q", v.Name, v.Definer)
		}
		if len(v.Reads) == 0 || v.Reads[0].Database != placeholder || strings.Count(v.Statement, "\nFROM $projection.")+strings.Count(v.Statement, "\nFROM parley_meta.") != len(v.Reads) {
			t.Errorf("%s reads %v", v.Name, v.Reads)
		}
		for _, r := range v.Reads {
			for _, c := range r.Columns {
				if !regexp.MustCompile(`^_?[a-z][a-z_]*$`).MatchString(c) || r.Table == "" {
					t.Errorf("%s reads column %q of %q", v.Name, c, r.Table)
				}
			}
		}
	}
}

func TestViewsTakeTypesAndCommentsOver(t *testing.T) {
	v := View{
		File: File{Name: "views/0001_v.sql", Statement: "CREATE OR REPLACE VIEW parley.v ($columns)\nAS SELECT\na, b\nFROM $projection.t FINAL\nCOMMENT $comment"},
		View: "v", Reads: []Read{{placeholder, "t", []string{"a", "b"}}},
	}
	got, err := v.Over(3, `the $table's \`, []Column{{"b", "String", "it's"}, {"_c", "UInt8", ""}, {"a", "UInt8", "first"}})
	want := "CREATE OR REPLACE VIEW parley.v (a UInt8 COMMENT 'first', b String COMMENT 'it\\'s')\nAS SELECT\na, b\nFROM parley_3.t FINAL\nCOMMENT 'the $table\\'s \\\\'"
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	got, err = v.Over(3, "x", []Column{{"b", "Nullable(DateTime64(3, 'UTC'))", ""}, {"a", "UInt8", ""}})
	if want := `COMMENT 'x. Times are UTC; local time: toTimeZone(b, \'Europe/Paris\')'`; err != nil || !strings.HasSuffix(got, want) {
		t.Errorf("%v\n%s\nwant it to end with\n%s", err, got, want)
	}
	if _, err := v.Over(3, "", []Column{{"a", "UInt8", ""}}); err == nil || !strings.Contains(err.Error(), "column b") {
		t.Errorf("a missing column: %v", err)
	}
}
