package embedded

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func biFence() fence { return newBI(1 << 30).fence }

func TestStatementsAreClampedAndOtherwiseLeftAsTheyAre(t *testing.T) {
	for statement, want := range map[string]string{
		"SELECT 1": "",
		"SELECT 'SETTINGS max_execution_time = 65', \"settings x_y = 1\", `set a_b = 2` -- SETTINGS a_b = 1\n/* SETTINGS c_d = 1 */": "",
		"SELECT settings, set FROM (SELECT 1 AS settings, 2 AS set) WHERE settings = 1 AND set IN (1, 2) ORDER BY settings DESC":     "",
		"SHOW SETTINGS LIKE 'max_%'":                                                                   "",
		"SELECT 1 SETTINGS max_execution_time = 65":                                                    "SELECT 1 SETTINGS max_execution_time = 60",
		"SELECT 1 SETTINGS max_execution_time = 5":                                                     "",
		"select 1 settings/**/`max_execution_time`=='0',extremes=1 format JSON":                        "select 1 settings/**/`max_execution_time`==60,extremes=1 format JSON",
		"SELECT 1 SETTINGS max_execution_time=1e9, max_threads = 100000, limit 5":                      "SELECT 1 SETTINGS max_execution_time=60, max_threads = T, limit 5",
		"SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0) SETTINGS max_execution_time = 0.00001": "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 214748364) SETTINGS max_execution_time = 0.001",
		"SET max_block_size = 99999999":                                                                "SET max_block_size = 1048576",
		"SET session_timezone = 'Europe/Berlin', join_use_nulls = true":                                "",
		"SELECT 1 SETTINGS extremes, join_use_nulls":                                                   "",
		"SELECT x'41', b'01', 1.5e-3, 0x1F, t.1.2, 'it''s', 'a\\'b'":                                   "",
		"SELECT format('{}', 1), sum(x) FROM numbers(3)":                                               "",
	} {
		threads, _ := find(biAllowed(1<<30), "max_threads")
		if want = strings.ReplaceAll(want, "= T,", "= "+threads.Max+","); want == "" {
			want = statement
		}
		if got, kill, refused := biFence().holdStatement(statement); refused != nil || got != want || kill {
			t.Errorf("%s\nbecomes %s\nwant    %s (%v, %v)", statement, got, want, kill, refused)
		}
	}
}

func TestStatementsWithOtherSettingsAreRefused(t *testing.T) {
	for _, statement := range []string{
		"SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS readonly = DEFAULT", "SELECT 1 SETTINGS max_execution_time = DEFAULT",
		"SELECT 1 SETTINGS extremes = 1, additional_table_filters = {'a': 'b'}", "SELECT 1 FORMAT JSON SETTINGS format_schema = '/x'",
		"SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = DEFAULT)", "SET readonly = 0", "SET max_memory_usage = {x:UInt64}",
		"SELECT 1 SETTINGS max_memory_usage = '1Gi'", "SELECT 1 SETTINGS max_execution_time = -1", "SELECT 1 SETTINGS max_execution_time = 'nan'",
		"SELECT 1 AS settings SETTINGS readonly = 0", "SELECT 1 AS a, 2 AS settings SETTINGS readonly = 0", "SELECT 1 settings settings allow_ddl = 0",
		"SELECT 1 SETTINGS allow_introspection_functions", "SELECT 1 SETTINGS extremes, allow_introspection_functions",
		"SELECT 1 SETTINGS `allow\\x5fintrospection\\x5ffunctions`", "SELECT 1 SETTINGS \"readonly\"=0", "SELECT 1 SETTINGS--x\nreadonly=0",
		"SELECT 'a\\\\' SETTINGS readonly = 0 --'", "SELECT x'\\' SETTINGS readonly = 0 --'", "SELECT '''' SETTINGS readonly = 0",
		"SELECT /* /* */ 1 SETTINGS readonly = 0 /* */", "SELECT 1 // '\nSETTINGS readonly = 0", "SELECT 1 # '\nSETTINGS readonly = 0",
		"SELECT $a$ SETTINGS readonly = 0 $a$", "SELECT ‘ ' ’ SETTINGS readonly = 0 --'", "SELECT “ \" ” SETTINGS readonly = 0 --\"",
		"SELECT 'open", "SELECT /* open", "SELECT 1\x00", "SELECT 1.SETTINGS readonly = 0", "SELECT 1 PARALLEL WITH SET readonly = 0",
		"SELECT * FROM sqlite('/x', 't')", "SELECT * FROM `sqlite` /* */ ('/x', 't')", "SELECT * FROM \"sq\\x6cite\"('/x', 't')", "SELECT 1 SETTINGS sqlite('x')",
	} {
		if got, _, refused := biFence().holdStatement(statement); refused == nil {
			t.Errorf("%s passes as %s", statement, got)
		}
	}
}

func TestKillIsFoundBehindComments(t *testing.T) {
	for statement, want := range map[string]bool{
		"KILL QUERY WHERE query_id = 'x'": true, " /* Cube */ -- x\nkill query where 1": true, "SELECT 'KILL'": false, "": false,
	} {
		if _, kill, refused := biFence().holdStatement(statement); kill != want || refused != nil {
			t.Errorf("%q: %v, %v", statement, kill, refused)
		}
	}
}

// The profile for an external server equals the embedded one.
func TestSecurityModelNamesTheSettingsOfTheList(t *testing.T) {
	content, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, found := range regexp.MustCompile(`(?m)^ +(\w+)\b.* CHANGEABLE_IN_READONLY,$`).FindAllStringSubmatch(string(content), -1) {
		named = append(named, found[1])
	}
	var allowed []string
	for _, l := range biAllowed(1 << 30) {
		allowed = append(allowed, l.Name)
	}
	if slices.Sort(named); !slices.Equal(named, slices.Sorted(slices.Values(allowed))) {
		t.Errorf("the document has\n%v\nthe list\n%v", named, allowed)
	}
}
