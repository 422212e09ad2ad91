package embedded_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

var (
	openViews     = []string{"conversations", "contacts", "transactions", "messages", "events", "quarantine"}
	personalViews = []string{"visitors", "message_texts", "events_original", "quarantine_original"}
)

// dashboards makes database parley with a table and the views over it that dashboards may or may not read.
func dashboards(t *testing.T, s *enginetest.ClickHouseServer) {
	t.Helper()
	s.Exec(t, "CREATE DATABASE IF NOT EXISTS parley ENGINE = Atomic")
	s.Exec(t, "CREATE OR REPLACE TABLE parley.base (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	s.Exec(t, "INSERT INTO parley.base SELECT number, toString(number) FROM numbers(1000)")
	for _, view := range slices.Concat(openViews, personalViews) {
		s.Exec(t, "CREATE OR REPLACE VIEW parley."+view+" DEFINER = parley_writer SQL SECURITY DEFINER AS SELECT * FROM parley.base")
	}
}

// asBI runs a statement through the front, with settings as a query string, and returns ClickHouse's answer.
func asBI(t *testing.T, s *enginetest.ClickHouseServer, statement, settings string) (string, bool) {
	t.Helper()
	h := header("Authorization", basic(s.BI.Name, s.BI.Password))
	status, answer := ask(t, http.MethodPost, s.FrontURL+"/?"+settings, statement, h)
	return strings.TrimSuffix(answer, "\n"), status == http.StatusOK
}

func TestBIUserReadsItsViews(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	for _, view := range openViews {
		if answer, ok := asBI(t, s, "SELECT count() FROM "+view, ""); !ok || answer != "1000" {
			t.Errorf("%s: %s", view, answer)
		}
	}
	for _, table := range append(personalViews, "base") {
		if answer, ok := asBI(t, s, "SELECT count() FROM parley."+table, ""); ok || !strings.Contains(answer, "ACCESS_DENIED") {
			t.Errorf("%s: %s", table, answer)
		}
	}

	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	c.BIPersonalData = true
	_, personal := start(t, c)
	dashboards(t, personal)
	for _, view := range slices.Concat(openViews, personalViews) {
		if answer, ok := asBI(t, personal, "SELECT count() FROM "+view, ""); !ok || answer != "1000" {
			t.Errorf("with personal data, %s: %s", view, answer)
		}
	}
	if answer, ok := asBI(t, personal, "SELECT count() FROM base", ""); ok {
		t.Errorf("with personal data, base: %s", answer)
	}
}

func TestBIUserMayDoWhatDriversDo(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	for _, statement := range []string{
		"SELECT 1", "SELECT version(), currentUser(), currentDatabase(), timezone(), hostName(), uptime()",
		"SHOW DATABASES", "SHOW TABLES FROM parley", "SHOW FULL TABLES", "SHOW COLUMNS FROM conversations", "SHOW SETTINGS LIKE 'max_mem%'",
		"SHOW CREATE TABLE conversations", "SHOW GRANTS", "SHOW FUNCTIONS", "SHOW ENGINES", "DESCRIBE TABLE conversations",
		"EXISTS TABLE parley.conversations", "USE parley", "EXPLAIN SELECT * FROM conversations", "SET max_block_size = 1000",
		"SELECT name, engine FROM system.databases", "SELECT * FROM system.tables LIMIT 1", "SELECT * FROM system.columns LIMIT 1",
		"SELECT * FROM system.functions LIMIT 1", "SELECT * FROM system.settings LIMIT 1", "SELECT * FROM system.data_type_families LIMIT 1",
		"SELECT * FROM system.table_functions LIMIT 1", "SELECT * FROM system.table_engines LIMIT 1", "SELECT * FROM system.formats LIMIT 1",
		"SELECT * FROM system.collations LIMIT 1", "SELECT * FROM system.time_zones LIMIT 1", "SELECT * FROM system.one",
		"SELECT * FROM system.parts LIMIT 1", "SELECT * FROM system.dictionaries LIMIT 1", "SELECT * FROM system.data_skipping_indices LIMIT 1",
		"SELECT * FROM system.completions LIMIT 1", "SELECT * FROM system.current_roles", "SELECT * FROM system.licenses LIMIT 1",
		"SELECT * FROM information_schema.tables", "SELECT * FROM information_schema.columns", "SELECT * FROM information_schema.schemata",
		"SELECT * FROM information_schema.views", "SELECT * FROM INFORMATION_SCHEMA.TABLES", "SELECT * FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE",
		"SELECT * FROM information_schema.statistics", "SELECT * FROM information_schema.referential_constraints",
		"SELECT count() FROM conversations WHERE a IN (SELECT a FROM contacts)", "WITH x AS (SELECT a FROM events) SELECT sum(a) FROM x",
		"SELECT * FROM numbers(3)", "SELECT * FROM values('a Int8', 1, 2)", "SELECT * FROM conversations FORMAT JSON",
		"SELECT * FROM (SELECT a FROM conversations LIMIT 1 SETTINGS max_threads = 1)",
	} {
		if answer, ok := asBI(t, s, statement, ""); !ok {
			t.Errorf("%s: %s", statement, answer)
		}
	}
	for _, setting := range []string{
		"session_timezone=Europe/Berlin", "output_format_json_quote_64bit_integers=0", "output_format_json_named_tuples_as_objects=1",
		"output_format_native_encode_types_in_binary_format=0", "input_format_null_as_default=1", "max_block_size=1000", "extremes=1",
		"wait_end_of_query=1", "buffer_size=1000000", "send_progress_in_http_headers=1", "http_headers_progress_interval_ms=1000",
		"date_time_input_format=best_effort", "date_time_output_format=iso", "max_result_rows=100", "max_result_bytes=1000000",
		"result_overflow_mode=break", "max_rows_to_read=10000", "read_overflow_mode=break", "log_comment=dashboard", "join_use_nulls=1",
		"max_threads=1", "max_threads=2", "max_memory_usage=1000000", "max_execution_time=1", "max_execution_time=60",
		"max_execution_time=0.5", "enable_http_compression=1", "http_zlib_compression_level=3", "default_format=JSONCompact", "compress=0",
		"decompress=0", "session_id=bi-1", "query_id=bi-query-1", "database=parley", "aggregate_functions_null_for_empty=1",
		"prefer_column_name_to_alias=1", "cast_keep_nullable=1", "union_default_mode=DISTINCT", "limit=5", "offset=1", "param_x=1",
		"http_write_exception_in_output_format=0", "quota_key=x", "client_protocol_version=54460",
		"cancel_http_readonly_queries_on_client_close=1", "network_compression_method=LZ4", "session_id=bi-2&session_timeout=60",
	} {
		if answer, ok := asBI(t, s, "SELECT a FROM conversations LIMIT 1", setting); !ok {
			t.Errorf("%s: %s", setting, answer)
		}
	}
}

func TestBIUserIsRefusedAllElse(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	for _, statement := range []string{
		// Writing.
		"INSERT INTO conversations VALUES (1, 'a')", "INSERT INTO parley.base VALUES (1, 'a')", "CREATE TABLE parley.x (a Int8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE x (a Int8)", "CREATE DATABASE parley_x", "CREATE VIEW parley.x AS SELECT 1", "DROP VIEW parley.conversations",
		"ALTER TABLE parley.base DELETE WHERE 1", "TRUNCATE TABLE parley.base", "OPTIMIZE TABLE parley.base", "RENAME TABLE parley.base TO parley.x",
		"EXCHANGE TABLES parley.conversations AND parley.contacts", "BACKUP TABLE parley.conversations TO File('x')", "CREATE FUNCTION f AS x -> x",
		"DROP FUNCTION file", "CREATE USER x", "GRANT SELECT ON parley.base TO parley_bi", "SET ROLE x", "ATTACH TABLE parley.x FROM '/etc' (a Int8) ENGINE = File(CSV)",
		"CREATE NAMED COLLECTION x AS a = 1", "CREATE DICTIONARY parley.d (a Int8) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT())",
		"INSERT INTO FUNCTION file('x.csv', 'CSV', 'a Int8') VALUES (1)", "SELECT 1 INTO OUTFILE 'x'", "EXECUTE AS default SELECT 1",
		// Running the server.
		"SYSTEM STOP LISTEN HTTP", "SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM FLUSH LOGS", "SYSTEM DROP MARK CACHE", "SYSTEM RELOAD CONFIG",
		"SYSTEM STOP MERGES parley.base", "KILL MUTATION WHERE 1", "SHOW PROCESSLIST",
		// Other data.
		"SELECT * FROM parley.base", "SELECT * FROM system.users", "SELECT * FROM system.grants", "SELECT * FROM system.processes",
		"SELECT * FROM system.server_settings", "SELECT * FROM system.settings_profiles", "SELECT * FROM system.quotas", "SELECT * FROM system.roles",
		"SELECT * FROM system.disks", "SELECT * FROM system.errors", "SELECT * FROM system.mutations", "SELECT * FROM system.named_collections",
		"SELECT * FROM system.user_directories", "SELECT * FROM system.backups", "SELECT * FROM system.stack_trace", "SELECT * FROM system.merges",
		"SELECT * FROM system.asynchronous_inserts", "SELECT * FROM system.query_cache", "SELECT * FROM system.remote_data_paths",
		"SELECT * FROM system.detached_parts", "SELECT * FROM system.certificates", "SELECT * FROM system.detached_tables", "SELECT * FROM default.x",
		"SELECT * FROM default.`/etc/passwd`", "SELECT * FROM mergeTreeIndex(parley, base)", "SELECT * FROM mergeTreeParts(parley, base)",
		"SELECT * FROM loop(parley.base) LIMIT 1", "DESCRIBE TABLE parley.base", "SHOW CREATE TABLE parley.base", "SELECT hasColumnInTable('parley', 'base', 'a')",
		// Files.
		"SELECT file('/etc/passwd')", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])", "SELECT arrayMap(file, ['/etc/passwd'])",
		"SELECT * APPLY(file) FROM (SELECT '/etc/passwd')", "SELECT file('/etc/passwd') SETTINGS allow_experimental_analyzer = 0",
		"WITH x -> file(x) AS f SELECT f('/etc/passwd')", "SELECT file('/etc/none', 'x')", "SELECT * FROM view(SELECT file('/etc/passwd'))",
		"SELECT * FROM file('/etc/passwd', 'LineAsString', 'a String')", "SELECT * FROM filesystem('/etc')", "SELECT catboostEvaluate('/etc/passwd', 1)",
		"SELECT * FROM fileCluster('x', '/etc/passwd')", "SELECT * FROM executable('x', 'TSV', 'a Int8')", "SELECT * FROM sqlite('/x.db', 't')",
		"SELECT * FROM python('x')", "SELECT * FROM deltaLakeLocal('/x')", "SELECT * FROM icebergLocal('/x')", "SELECT * FROM dictionary('x')",
		"SELECT * FROM (SELECT * FROM eval('SELECT file(\\'/etc/passwd\\')') SETTINGS allow_experimental_eval_table_function = 1)",
		"SELECT * FROM (SELECT count() FROM parley.base SETTINGS readonly = 0)", "SELECT * FROM (SELECT demangle('x') SETTINGS allow_introspection_functions = 1)",
		"SELECT 1 FROM conversations LIMIT 1 SETTINGS additional_result_filter = 'file(\\'/etc/passwd\\') != \\'\\''",
		"SELECT 1 FROM conversations LIMIT 1 SETTINGS additional_table_filters = {'parley.conversations': 'file(\\'/etc/passwd\\') != \\'\\''}",
		"SELECT * FROM format(JSONEachRow, '{\"a\": 1}')", "SELECT * FROM input('a Int8')",
		// The network.
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')", "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
		"SELECT * FROM remoteSecure('127.0.0.1', 'system', 'one')", "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV', 'a Int8')",
		"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
		"SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'a Int8')", "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')",
		"SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV', 'a Int8')", "SELECT * FROM cluster('default', system.one)",
		"SELECT * FROM gcs('http://127.0.0.1:1/bucket/x', 'CSV', 'a Int8')", "SELECT aiGenerate('x')",
		// Addresses of the process, and tools of its developers.
		"SELECT addressToLine(1)", "SELECT demangle('x')", "SELECT fuzzQuery('SELECT 1')", "SELECT * FROM eval('SELECT 1')",
	} {
		if answer, ok := asBI(t, s, statement, ""); ok {
			t.Errorf("%s is answered: %.200s", statement, answer)
		}
	}
	if got := s.Exec(t, "SELECT count() FROM parley.base"); got != "1000" {
		t.Errorf("%s rows after all attempts", got)
	}
	eventuallyAlive(t, s)
}

// The limits hold in what a query does: through a view with another definer, and under the SETTINGS of a subquery, which ClickHouse
// does not check against the constraints.
func TestBIUserLimitsAreEnforced(t *testing.T) {
	s := enginetest.ClickHouse(t)
	dashboards(t, s)
	s.Exec(t, "CREATE OR REPLACE VIEW parley.conversations DEFINER = parley_writer SQL SECURITY DEFINER AS SELECT number AS a FROM system.numbers")
	for statement, want := range map[string]string{
		"SELECT groupArray(a) FROM conversations":                                                                                                       "MEMORY_LIMIT_EXCEEDED",
		"SELECT length(groupArray(a)) FROM (SELECT a FROM conversations SETTINGS max_memory_usage = 0)":                                                 "MEMORY_LIMIT_EXCEEDED",
		"SELECT * FROM (SELECT sleepEachRow(1) FROM numbers(30) SETTINGS max_block_size = 1, max_execution_time = 0) SETTINGS max_execution_time = 0.3": "TIMEOUT_EXCEEDED",
		"SELECT sum(a) FROM conversations SETTINGS max_execution_time = 0.3":                                                                            "TIMEOUT_EXCEEDED",
		"SELECT sum(a) FROM (SELECT a FROM conversations SETTINGS max_execution_time = 0) SETTINGS max_execution_time = 0.3":                            "TIMEOUT_EXCEEDED",
	} {
		if answer, ok := asBI(t, s, statement, ""); ok || !strings.Contains(answer, want) {
			t.Errorf("%s: %.300s, want %s", statement, answer, want)
		}
	}
}
