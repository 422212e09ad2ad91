package embedded_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector/tables"
)

// secret is in the personal columns and in files that the BI user must not read.
const secret = "ada.lovelace@example.com"

// biMay are the settings a statement of the BI user may change; every other one of ClickHouse is refused, whatever its value.
var biMay = strings.Fields(`
	max_execution_time max_memory_usage max_threads max_block_size cancel_http_readonly_queries_on_client_close
	http_headers_progress_interval_ms http_zlib_compression_level network_zstd_compression_level
	max_result_rows max_result_bytes result_overflow_mode max_rows_to_read max_bytes_to_read read_overflow_mode limit offset
	enable_http_compression network_compression_method send_progress_in_http_headers http_write_exception_in_output_format
	session_timezone date_time_input_format date_time_output_format output_format_json_quote_64bit_integers
	output_format_json_quote_64bit_floats output_format_json_quote_decimals output_format_json_quote_denormals
	output_format_json_named_tuples_as_objects output_format_native_write_json_as_string
	output_format_native_encode_types_in_binary_format output_format_native_use_flattened_dynamic_and_json_serialization
	output_format_binary_write_json_as_string input_format_binary_read_json_as_string allow_experimental_json_type
	cast_string_to_dynamic_use_inference low_cardinality_allow_in_native_format input_format_null_as_default
	join_use_nulls union_default_mode prefer_column_name_to_alias aggregate_functions_null_for_empty cast_keep_nullable
	extremes select_sequential_consistency mutations_sync alter_sync insert_distributed_sync
	distributed_foreground_insert log_comment`)

// target is a ClickHouse with the real tables, views and rows, and what an attacker would like to reach from it.
type target struct {
	*enginetest.ClickHouseServer
	file     string // holds the secret
	folder   string // where nothing may be written
	url      string // serves the secret
	contacts *atomic.Int64
}

// withTables starts ClickHouse and makes the tables.
func withTables(t *testing.T, c embedded.ClickHouseConfig) *enginetest.ClickHouseServer {
	t.Helper()
	_, s := start(t, c)
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{s.Addr}, Protocol: clickhouse.HTTP, Auth: clickhouse.Auth{Username: s.Writer.Name, Password: s.Writer.Password},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := tables.New(conn).Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func newTarget(t *testing.T) target {
	t.Helper()
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	s := withTables(t, c)
	for _, statement := range []string{
		"INSERT INTO parley_1.events (project_id, conversation_id, event_id, original) SELECT 1, toString(number), 'e', '" + secret + "' FROM numbers(10)",
		"INSERT INTO parley_1.events_by_time (project_id, conversation_id, event_id, sequence) SELECT 1, toString(number), 'e', number FROM numbers(10)",
		"INSERT INTO parley_1.visitors (project_id, conversation_id, visitor_id, email) SELECT 1, toString(number), 'v', '" + secret + "' FROM numbers(10)",
		"INSERT INTO parley_1.message_texts (project_id, conversation_id, message_id, text) SELECT 1, toString(number), 'm', '" + secret + "' FROM numbers(10)",
		"INSERT INTO parley_1.quarantine (log, sequence, original) SELECT 'events', number, '" + secret + "' FROM numbers(10)",
		"INSERT INTO parley_1.conversations (project_id, conversation_id) SELECT 1, toString(number) FROM numbers(10)",
	} {
		s.Exec(t, statement)
	}
	found := target{ClickHouseServer: s, folder: t.TempDir(), contacts: new(atomic.Int64)}
	found.file = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(found.file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, secret) }))
	outside.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			found.contacts.Add(1)
		}
	}
	t.Cleanup(outside.Close)
	found.url = outside.URL
	return found
}

// untouched fails the test if a server was called, a file was written, or ClickHouse has exited.
func (g target) untouched(t *testing.T) {
	t.Helper()
	if n := g.contacts.Load(); n > 0 {
		t.Errorf("%d connections to the outside", n)
	}
	if entries, err := os.ReadDir(g.folder); err != nil || len(entries) > 0 {
		t.Errorf("files were written: %v, %v", entries, err)
	}
	if content, err := os.ReadFile(g.file); err != nil || string(content) != secret+"\n" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	eventuallyAlive(t, g.ClickHouseServer)
}

// values are what each setting is tried with: a file to read, one to write, an address, tables, an expression, and plain values.
func (g target) values() []string {
	return []string{g.file, filepath.Join(g.folder, "written"), g.url, "parley_1.visitors", `{'parley_1.events': 'original != \'\''}`, "1", "0", "DEFAULT"}
}

// each runs try for every name, some at a time.
func each(names []string, try func(name string)) {
	work := make(chan string)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for name := range work {
				try(name)
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	workers.Wait()
}

func literal(value string) string {
	if value == "DEFAULT" || value == "0" || value == "1" || strings.HasPrefix(value, "{") {
		return value
	}
	return "'" + value + "'"
}

// A new version of ClickHouse may bring settings that open a file, an address or a table. Each of all there are is tried.
func TestBIUserChangesOnlySettingsOfTheList(t *testing.T) {
	g := newTarget(t)
	query := strings.Fields(g.Exec(t, "SELECT name FROM system.settings"))
	ofTables := strings.Fields(g.Exec(t, "SELECT name FROM system.merge_tree_settings"))
	formats := 0
	for _, name := range query {
		if strings.Contains(name, "format") {
			formats++
		}
	}
	if len(query) < 1500 || len(ofTables) < 300 || formats < 250 {
		t.Fatalf("only %d settings, %d of formats, %d of tables", len(query), formats, len(ofTables))
	}
	const read = "SELECT conversation_id FROM parley.events ORDER BY conversation_id LIMIT 1"
	var tried atomic.Int64
	each(append(query, ofTables...), func(name string) {
		allowed := slices.Contains(biMay, name)
		for _, value := range g.values() {
			if value == "DEFAULT" && slices.Contains([]string{"log_comment", "network_compression_method"}, name) {
				continue // a text like any other in the address
			}
			for form, answer := range map[string]func() (string, bool){
				"address": func() (string, bool) { return asBI(t, g.ClickHouseServer, read, url.Values{name: {value}}.Encode()) },
				"clause": func() (string, bool) {
					return asBI(t, g.ClickHouseServer, read+" SETTINGS "+name+" = "+literal(value), "")
				},
				"subquery": func() (string, bool) {
					return asBI(t, g.ClickHouseServer, "SELECT * FROM ("+read+" SETTINGS "+name+" = "+literal(value)+")", "")
				},
				"format": func() (string, bool) {
					return asBI(t, g.ClickHouseServer, read+" FORMAT Template SETTINGS "+name+" = "+literal(value), "")
				},
				"set": func() (string, bool) { return asBI(t, g.ClickHouseServer, "SET "+name+" = "+literal(value), "") },
			} {
				tried.Add(1)
				got, ok := answer()
				if strings.Contains(got, secret) {
					t.Errorf("%s, %s = %s reveals the secret: %.200s", form, name, value, got)
				}
				if !allowed && (ok || !strings.Contains(got, "Code: 164")) {
					t.Errorf("%s, %s = %s: %.200s", form, name, value, got)
				}
				if value == "DEFAULT" && ok {
					t.Errorf("%s, %s = DEFAULT is taken", form, name)
				}
			}
		}
		// Alone it means = 1.
		if got, ok := asBI(t, g.ClickHouseServer, "SELECT * FROM (SELECT getSetting('readonly'), 1 SETTINGS "+name+")", ""); ok && !allowed && strings.Contains(name, "_") {
			t.Errorf("SETTINGS %s is taken: %s", name, got)
		}
	})
	t.Logf("%d attempts: %d settings (%d of formats), %d of tables, %d values, 5 ways", tried.Load(), len(query), formats, len(ofTables), len(g.values()))
	g.untouched(t)
}

// The profile alone holds too, without the front: what it leaves open (DEFAULT, and the settings of subqueries) reaches no data.
func TestBIProfileHoldsWithoutTheFront(t *testing.T) {
	g := newTarget(t)
	query := strings.Fields(g.Exec(t, "SELECT name FROM system.settings"))
	const read = "SELECT conversation_id FROM parley.events ORDER BY conversation_id LIMIT 1"
	var tried atomic.Int64
	each(query, func(name string) {
		for _, value := range []string{g.file, g.url, "parley_1.visitors", "1"} {
			tried.Add(1)
			if _, err := g.Query(g.BI, read+" SETTINGS "+name+" = "+literal(value)); err == nil && !slices.Contains(biMay, name) &&
				!unchanged(g, name, value) {
				t.Errorf("%s = %s is taken", name, value)
			}
			got, err := g.Query(g.BI, "SELECT * FROM ("+read+" SETTINGS "+name+" = "+literal(value)+")")
			if strings.Contains(fmt.Sprint(got, err), secret) {
				t.Errorf("in a subquery %s = %s reveals the secret: %s, %v", name, value, got, err)
			}
		}
	})
	t.Logf("%d attempts on the private port: %d settings", tried.Load(), len(query))
	g.untouched(t)
}

// unchanged reports whether the value is the one the setting has for the BI user.
func unchanged(g target, name, value string) bool {
	now, err := g.Query(g.BI, "SELECT value FROM system.settings WHERE name = '"+name+"'")
	return err == nil && (now == value || value == "0" && strings.HasPrefix(now, "auto("))
}

// What the views leave out is out of reach for their own users, so that nothing added to a query finds it.
func TestViewsReachNoMoreThanTheyShow(t *testing.T) {
	g := newTarget(t)
	for _, filter := range []string{
		`{'parley_1.quarantine': 'original = \'\''}`,
		`{'parley_1.quarantine': '(SELECT count() FROM parley_1.visitors) = 0'}`,
		`{'parley_1.quarantine': 'throwIf(original != \'\', \'seen\') = 1'}`,
		`{'quarantine': 'original = \'\'', 'parley.quarantine': 'event_id = \'\''}`,
	} {
		for _, statement := range []string{
			"SELECT count() FROM parley.quarantine SETTINGS additional_table_filters = " + filter,
			"SELECT * FROM (SELECT count() FROM parley.quarantine SETTINGS additional_table_filters = " + filter + ")",
			"SELECT * FROM (SELECT count() FROM parley.quarantine SETTINGS additional_table_filters = " + filter + ") SETTINGS readonly = DEFAULT",
			"WITH x AS (SELECT count() FROM parley.quarantine SETTINGS additional_table_filters = " + filter + ") SELECT * FROM x",
		} {
			if answer, ok := asBI(t, g.ClickHouseServer, statement, ""); ok || !strings.Contains(answer, "Code: 164") {
				t.Errorf("%s: %s", statement, answer)
			}
			// Without the front the filter reaches the view at most, and what it finds there everybody may see.
			if answer, err := g.Query(g.BI, statement); err == nil && answer != "10" && !strings.Contains(filter, "parley.quarantine") ||
				err != nil && strings.Contains(err.Error(), "seen") {
				t.Errorf("on the private port, %s: %s, %v", statement, answer, err)
			}
		}
	}
	for _, definer := range []string{"parley_views", "parley_personal_views"} {
		grants := g.Exec(t, "SELECT concat(access_type, ' ', table, ' ', ifNull(column, '*')) FROM system.grants WHERE user_name = '"+definer+"' AND database = 'parley_1' ORDER BY ALL")
		for grant := range strings.Lines(grants) {
			if !strings.HasPrefix(grant, "SELECT ") || strings.Contains(grant, "*") ||
				definer == "parley_views" && (strings.Contains(grant, "original") || strings.Contains(grant, "visitors") || strings.Contains(grant, "message_texts")) {
				t.Errorf("%s may %s", definer, grant)
			}
		}
		if n := strings.Count(grants, "\n"); n < 10 {
			t.Errorf("%s has %d grants", definer, n)
		}
		if others := g.Exec(t, "SELECT count() FROM system.grants WHERE user_name = '"+definer+"' AND (column IS NULL OR access_type != 'SELECT' OR NOT startsWith(database, 'parley_'))"); others != "0" {
			t.Errorf("%s has %s other grants", definer, others)
		}
	}
}

// No function, table function or format reaches a file, an address or a table, whatever it is given.
func TestBIUserReachesNothingThroughFunctionsAndFormats(t *testing.T) {
	g := newTarget(t)
	functions := strings.Fields(g.Exec(t, "SELECT name FROM system.functions WHERE alias_to = ''"))
	tableFunctions := strings.Fields(g.Exec(t, "SELECT name FROM system.table_functions"))
	formats := strings.Fields(g.Exec(t, "SELECT name FROM system.formats"))
	if len(functions) < 1200 || len(tableFunctions) < 60 || len(formats) < 80 {
		t.Fatalf("only %d functions, %d table functions, %d formats", len(functions), len(tableFunctions), len(formats))
	}
	written := filepath.Join(g.folder, "written")
	arguments := []string{
		"'" + g.file + "'", "'" + g.url + "'", "'" + g.file + "', 'LineAsString', 'a String'", "'" + g.url + "', 'LineAsString', 'a String'",
		"'parley_1', 'visitors'", "'parley_1.visitors', 'email', '0'", "parley_1, visitors", "parley_1.visitors", "'" + written + "', '" + g.url + "'",
		"'127.0.0.1', parley_1, visitors, 'parley_writer', 'w'", "'" + strings.TrimPrefix(g.url, "http://") + "', 'a', 'b', 'c', 'd'",
		"(SELECT * FROM parley_1.visitors)", "LineAsString, '" + g.file + "'", "'SELECT * FROM parley_1.visitors'",
	}
	var tried atomic.Int64
	attempt := func(statement string) {
		tried.Add(1)
		if got, _ := asBI(t, g.ClickHouseServer, statement, ""); strings.Contains(got, secret) {
			t.Errorf("%s reveals the secret: %.200s", statement, got)
		}
	}
	each(functions, func(name string) {
		for _, given := range arguments {
			attempt("SELECT " + name + "(" + given + ") SETTINGS max_execution_time = 1")
		}
	})
	each(tableFunctions, func(name string) {
		for _, given := range arguments {
			attempt("SELECT * FROM " + name + "(" + given + ") LIMIT 1 SETTINGS max_execution_time = 1")
			attempt("INSERT INTO FUNCTION " + name + "(" + given + ") VALUES ('x')")
			attempt("DESCRIBE TABLE " + name + "(" + given + ")")
		}
	})
	each(formats, func(name string) {
		attempt("SELECT * FROM parley.events LIMIT 1 FORMAT " + name)
		attempt("SELECT * FROM parley.events LIMIT 1 INTO OUTFILE '" + written + "' FORMAT " + name)
		attempt("SELECT * FROM format(" + name + ", '" + g.file + "')")
		attempt("INSERT INTO parley.events FROM INFILE '" + g.file + "' FORMAT " + name)
	})
	systemTables := strings.Fields(g.Exec(t, "SELECT name FROM system.tables WHERE database = 'system'"))
	each(systemTables, func(name string) {
		attempt("SELECT * FROM system.`" + name + "` LIMIT 100000 SETTINGS max_execution_time = 5")
	})
	t.Logf("%d attempts: %d functions, %d table functions, %d formats, %d system tables",
		tried.Load(), len(functions), len(tableFunctions), len(formats), len(systemTables))
	g.untouched(t)
}

// The statements of the documents are ones that ClickHouse reads.
func TestDocumentedStatementsAreAccepted(t *testing.T) {
	s := enginetest.ClickHouse(t)
	security, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../../projector/tables/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, profile, _ := strings.Cut(string(security), "```sql\n")
	profile, _, _ = strings.Cut(profile, ";\n```")
	statements := []string{profile}
	for line := range strings.Lines(string(manual)) {
		if statement, found := strings.CutPrefix(line, "//\t"); found && (strings.HasPrefix(statement, "CREATE ") || strings.HasPrefix(statement, "GRANT ")) {
			statement, _, _ = strings.Cut(statement, ";")
			statements = append(statements, statement)
		}
	}
	if len(statements) < 20 {
		t.Fatalf("only %d statements", len(statements))
	}
	for _, statement := range statements {
		if _, err := s.Query(s.Writer, "EXPLAIN AST "+statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
