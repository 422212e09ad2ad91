package embedded_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// hidden is in every text of the rows of project 3, which the users of the tests do not see.
const hidden = "hidden-of-project-three"

// rowsOfProjects are rows of projects 1, 2 and 3 in each table that a view reads.
var rowsOfProjects = []string{
	`INSERT INTO parley_1.conversations (project_id, conversation_id, created_at, closed_at, _began_at, channel, satisfaction_comment, tag_ids, tag_names, _users, _routing, _marks)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), toDateTime64('2026-01-01', 3) + number AS at, at, at, TEXT, TEXT, [TEXT], [TEXT],
			[(1 + number % 3, 'BOT', TEXT, TEXT)], [(at, TEXT, TEXT, TEXT, TEXT)],
			[(TEXT, at, 0, 'parley.conversation.snoozed.v1', 1, TEXT, TEXT, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
			 (TEXT, at, 0, 'parley.conversation.transferred.v1', 1, TEXT, TEXT, NULL, NULL, NULL, NULL, NULL, TEXT, TEXT, NULL, NULL, NULL, NULL)] FROM numbers(3000)`,
	`INSERT INTO parley_1.contacts (project_id, conversation_id, contact_id, started_at, operator_id, operator_kind, operator_name, close_reason)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), TEXT, toDateTime64('2026-01-01', 3) + number, 1 + number % 3, 'BOT', TEXT, TEXT FROM numbers(3000)`,
	`INSERT INTO parley_1.transactions (project_id, conversation_id, transaction_id, external_conversion_id, amount, currency, received_at)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), TEXT, TEXT, 12.5, 'EUR', toDateTime64('2026-01-01', 3) + number FROM numbers(3000)`,
	`INSERT INTO parley_1.messages (project_id, conversation_id, message_id, sent_at, author_kind, author_id)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), TEXT, toDateTime64('2026-01-01', 3) + number, 'VISITOR', TEXT FROM numbers(3000)`,
	`INSERT INTO parley_1.events (project_id, conversation_id, event_id, source, type, time, sequence, original)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), TEXT, TEXT, TEXT, toDateTime64('2026-01-01', 3) + number, number, TEXT FROM numbers(3000)`,
	`INSERT INTO parley_1.events_by_time (project_id, conversation_id, event_id, source, type, time, sequence)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), TEXT, TEXT, TEXT, toDateTime64('2026-01-01', 3) + number, number FROM numbers(3000)`,
	`INSERT INTO parley_1.customers (project_id, customer_id, created_at, channels)
		SELECT 1 + number % 3, concat(TEXT, toString(number)), toDateTime64('2026-01-01', 3) + number, [TEXT] FROM numbers(3000)`,
	`INSERT INTO parley_1.sellers (project_id, conversation_id, seller_id, business_name) SELECT 1 + number % 3, TEXT, toString(number), TEXT FROM numbers(3000)`,
	`INSERT INTO parley_1.quarantine (log, sequence, detail) SELECT 'events', number, '` + hidden + `' FROM numbers(10)`,
}

// guests is a ClickHouse with rows of three projects and the BI user ann of projects 1 and 2.
type guests struct {
	*enginetest.ClickHouseServer
	file string // of the users
	ann  embedded.User
}

func newGuests(t *testing.T) guests {
	t.Helper()
	dir := t.TempDir()
	c := config(filepath.Join(dir, "clickhouse"))
	c.GuestsFile = filepath.Join(dir, embedded.GuestsFile)
	s := withTables(t, c)
	const text = "if(number % 3 = 2, '" + hidden + "', concat('visible', toString(number % 3)))"
	for _, statement := range rowsOfProjects {
		s.Exec(t, strings.ReplaceAll(statement, "TEXT", text))
	}
	for _, table := range []string{"conversations", "contacts", "transactions", "messages", "events", "customers", "sellers"} {
		s.Exec(t, "OPTIMIZE TABLE parley_1."+table+" FINAL") // one part, with one dictionary for all projects
	}
	g := guests{ClickHouseServer: s, file: c.GuestsFile}
	g.ann = g.add(t, "ann", 1, 2)
	return g
}

// add adds a user and waits until ClickHouse accepts it.
func (g guests) add(t *testing.T, name string, projects ...uint32) embedded.User {
	t.Helper()
	password, err := embedded.AddGuest(filepath.Dir(g.file), name, projects)
	if err != nil {
		t.Fatal(err)
	}
	user := embedded.User{Name: name, Password: password}
	eventually(t, name+" is accepted", func() bool {
		status, _ := g.as(t, user, "SELECT 1", "")
		return status == http.StatusOK
	})
	return user
}

// as sends a statement of a user.
func (g guests) as(t *testing.T, user embedded.User, statement, parameters string) (int, string) {
	t.Helper()
	return ask(t, http.MethodPost, g.FrontURL+"/?wait_end_of_query=1&"+parameters, statement, header("Authorization", basic(user.Name, user.Password)))
}

// viewsOfProjects are the views without personal data that have a project.
func viewsOfProjects() []string {
	var names []string
	for _, v := range ddl.Views() {
		if v.Definer == ddl.OpenDefiner && slices.Contains(v.Reads[0].Columns, "project_id") {
			names = append(names, v.View)
		}
	}
	return names
}

func TestGuestsSeeTheirProjectsInEveryView(t *testing.T) {
	g := newGuests(t)
	bob := g.add(t, "bob", 3)
	views := viewsOfProjects()
	if len(views) != 14 {
		t.Errorf("views are %v", views)
	}
	for _, view := range views {
		const all = "SELECT count(), sum(cityHash64(*)), groupUniqArray(project_id) FROM parley."
		for user, projects := range map[embedded.User]string{g.ann: "1, 2", bob: "3"} {
			_, want := g.as(t, g.BI, all+view+" WHERE project_id IN ("+projects+")", "")
			status, got := g.as(t, user, all+view, "")
			if status != http.StatusOK || got != want || strings.HasPrefix(got, "0\t") {
				t.Errorf("%s sees of %s %d %s, want %s", user.Name, view, status, got, want)
			}
		}
		// The user of all projects, and our own, still see all.
		for _, user := range []embedded.User{g.BI, g.Reader} {
			if _, got := g.as(t, user, "SELECT uniqExact(project_id) FROM parley."+view, ""); got != "3\n" {
				t.Errorf("%s sees rows of %s projects in %s", user.Name, got, view)
			}
		}
	}
	// A user without policies of its own reads nothing below the views, and not the quarantine, which has no projects.
	for _, name := range []string{"parley.quarantine", "parley.visitors", "parley_1.conversations", "parley_meta.opening_hours"} {
		if status, answer := g.as(t, g.ann, "SELECT * FROM "+name, ""); status == http.StatusOK || !strings.Contains(answer, "ACCESS_DENIED") {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if read := g.rowsRead(t, "SELECT count() FROM parley.conversations WHERE project_id = 1 AND created_at < toDateTime64('2026-01-01 00:00:10', 3)"); read == 0 || read > 1200 {
		t.Errorf("%d of 3000 rows are read beside the policies", read)
	}
	clientsAreAnswered(t, g.FrontURL, g.ann, "EXPLAIN") // which tells how many rows there are
	if err := embedded.RemoveGuest(filepath.Dir(g.file), "bob"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bob is refused", func() bool {
		status, _ := g.as(t, bob, "SELECT 1", "")
		return status == http.StatusForbidden
	})
	eventually(t, "ann is still accepted", func() bool {
		status, answer := g.as(t, g.ann, "SELECT count() FROM parley.conversations", "")
		return status == http.StatusOK && answer == "2000\n"
	})
}

// rowsRead returns how many rows are read for a statement of the user of all projects.
func (g guests) rowsRead(t *testing.T, statement string) (rows int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.FrontURL+"/?wait_end_of_query=1&query="+url.QueryEscape(statement), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(g.BI.Name, g.BI.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if _, err := fmt.Sscanf(response.Header.Get("X-Clickhouse-Summary"), `{"read_rows":"%d"`, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// hostile are statements that would give an answer, an error or a count that depends on rows of other projects. VIEW is each view.
var hostile = []string{
	"SELECT * FROM parley.VIEW WHERE project_id = 3", "SELECT * FROM parley.VIEW WHERE project_id NOT IN (1, 2)", "SELECT * FROM parley.VIEW WHERE ignore(*) = 0 OR 1",
	"SELECT throwIf(project_id = 3) FROM parley.VIEW", "SELECT count() FROM parley.VIEW WHERE throwIf(project_id = 3)", "SELECT intDiv(1, project_id - 3) FROM parley.VIEW",
	"SELECT count() FROM parley.VIEW WHERE intDiv(1, toInt64(project_id) - 3) > 0", "SELECT count() FROM parley.VIEW WHERE intDiv(1, project_id = 3 ? 0 : 1) = 1",
	"SELECT count() FROM parley.VIEW WHERE toUInt8(if(project_id = 3, 'x', '1')) = 1", "SELECT count() FROM parley.VIEW ORDER BY throwIf(project_id = 3)",
	"SELECT count() FROM parley.VIEW GROUP BY throwIf(project_id = 3)", "SELECT count() FROM parley.VIEW HAVING throwIf(max(project_id) = 3)",
	"SELECT count() FROM parley.VIEW AS a INNER JOIN (SELECT 3 AS p) AS b ON a.project_id = b.p", "SELECT count() FROM parley.VIEW AS a ANY LEFT JOIN parley.VIEW AS b ON a.project_id = b.project_id AND throwIf(b.project_id = 3) = 0",
	"SELECT max(project_id) = 2 OR throwIf(1) FROM parley.VIEW", "SELECT uniq(project_id) = 2 OR throwIf(1) FROM parley.VIEW", "SELECT quantile(1)(project_id) = 2 OR throwIf(1) FROM parley.VIEW",
	"SELECT * FROM merge('parley', '^VIEW$')", "SELECT * FROM merge('parley_1', '.*')", "SELECT * FROM loop(parley.VIEW) LIMIT 4000", "SELECT * FROM loop(parley_1.VIEW) LIMIT 10",
	"SELECT * FROM view(SELECT * FROM parley.VIEW)", "SELECT * FROM view(SELECT * FROM parley_1.VIEW)", "WITH x AS (SELECT * FROM parley.VIEW) SELECT * FROM x UNION ALL SELECT * FROM x",
	"SELECT * FROM parley.VIEW FINAL", "SELECT * FROM parley.VIEW PREWHERE project_id = 3", "SELECT * FROM parley.VIEW SAMPLE 1", "SELECT *, _part, _part_offset FROM parley.VIEW",
	"SELECT * FROM parley.VIEW WHERE currentUser() = 'parley_bi' OR 1", "SELECT * FROM parley.VIEW WHERE project_id = 3 OR currentUser() = 'ann'",
	"SELECT * FROM remote('127.0.0.1', parley, VIEW)", "SELECT * FROM cluster('default', parley, VIEW)", "SELECT * FROM mergeTreeIndex(parley_1, VIEW)",
	"SELECT * FROM parley.VIEW WHERE (project_id, 1) IN (SELECT project_id, 1 FROM parley.VIEW WHERE throwIf(project_id = 3) = 0)",
	"SELECT arrayJoin(groupArray(project_id)) AS p FROM parley.VIEW HAVING throwIf(p = 3) = 0", "SELECT * FROM parley.VIEW LIMIT 4000 BY throwIf(project_id = 3)",
	"SELECT * FROM parley.VIEW FORMAT Native", "SELECT * FROM parley.VIEW FORMAT Arrow", "SELECT * FROM parley.VIEW FORMAT Parquet", "SELECT * FROM parley.VIEW FORMAT RowBinaryWithNamesAndTypes",
	"SELECT * FROM parley.VIEW QUALIFY throwIf(project_id = 3) = 0", "SELECT sum(throwIf(project_id = 3)) OVER () FROM parley.VIEW",
	"SELECT hex(groupUniqArrayState(project_id)) FROM parley.VIEW", "SELECT hex(uniqExactState(*)) FROM parley.VIEW", "SELECT finalizeAggregation(maxState(project_id)) FROM parley.VIEW",
	"SELECT count() FROM parley.VIEW WHERE sleepEachRow(if(project_id = 3, 3, 0)) = 0", "SELECT count() FROM parley.VIEW WHERE project_id = 3 AND sleep(3) = 0",
	"SELECT count() FROM parley.VIEW AS a INNER JOIN system.tables AS b ON throwIf(a.project_id = 3) = 0 AND b.name = 'VIEW'", "SELECT count() FROM parley.VIEW WHERE project_id = getSetting('max_threads') OR throwIf(project_id = 3)",
	"SELECT database, name, total_rows, total_bytes, lifetime_rows, comment FROM system.tables WHERE name = 'VIEW'", "SELECT name, data_compressed_bytes, data_uncompressed_bytes, marks_bytes FROM system.columns WHERE table = 'VIEW'",
	"SELECT * FROM VIEW", "SELECT * FROM `parley`.`VIEW` ORDER BY ALL LIMIT 1 WITH TIES", "SELECT project_id, count() FROM parley.VIEW GROUP BY project_id WITH TOTALS", "SELECT topK(3)(project_id), anyLast(project_id) FROM parley.VIEW",
}

// dictionaries are statements that succeed for the visible values of a LowCardinality column and fail for the hidden one. ClickHouse
// may run a function on all values of a part, also those of rows that a policy hides.
var dictionaries = []string{
	"SELECT base64Decode(COLUMN) FROM parley.VIEW", "SELECT count() FROM parley.VIEW WHERE base64Decode(COLUMN) != ''", `SELECT CAST(COLUMN, 'Enum8(\'visible0\' = 1, \'visible1\' = 2, \'\' = 3)') FROM parley.VIEW`,
	"SELECT CAST(COLUMN, 'FixedString(8)') FROM parley.VIEW", "SELECT toFixedString(COLUMN, 8) FROM parley.VIEW", "SELECT toUInt8OrDefault(COLUMN), toUInt8(replaceOne(COLUMN, 'visible', '1')) FROM parley.VIEW",
	"SELECT IPv4StringToNum(replaceOne(COLUMN, 'visible', '1.1.1.')) FROM parley.VIEW", "SELECT toDate(replaceOne(COLUMN, 'visible', '2026-01-1')) FROM parley.VIEW", "SELECT toDecimal32(replaceOne(COLUMN, 'visible', '1'), 2) FROM parley.VIEW",
	"SELECT parseDateTime(replaceOne(COLUMN, 'visible', '200'), '%Y') FROM parley.VIEW", "SELECT intDiv(1, length(COLUMN) - 23) FROM parley.VIEW", "SELECT intDiv(1, toInt8(NOT startsWith(COLUMN, 'hid'))) FROM parley.VIEW",
	"SELECT throwIf(COLUMN = 'hidden-of-project-three') FROM parley.VIEW", "SELECT COLUMN = 'x' OR throwIf(startsWith(COLUMN, 'hid')) FROM parley.VIEW", "SELECT accurateCast(length(COLUMN) * 10, 'Int8') FROM parley.VIEW",
	"SELECT repeat('x', if(startsWith(COLUMN, 'hid'), 1000000000, 1)) FROM parley.VIEW", "SELECT COLUMN, dumpColumnStructure(COLUMN) FROM parley.VIEW LIMIT 1", "SELECT hex(uniqState(COLUMN)) FROM parley.VIEW", "SELECT DISTINCT COLUMN FROM parley.VIEW FORMAT Native",
}

// revealing are statements that count or name what is not of the user's projects, and are refused.
var revealing = []string{
	"SELECT lowCardinalityKeys(source) FROM parley.events", "SELECT arrayJoin([lowCardinalityIndices(channel)]) FROM parley.conversations",
	"SELECT `lowCardinalityKeys`(type) FROM parley.events", "SELECT blockSerializedSize(source) FROM parley.events",
	"SELECT COLUMNS('source') APPLY(lowCardinalityKeys) FROM parley.events", "SELECT source APPLY lowCardinalityKeys FROM parley.events", "SELECT source APPLY `low\\x43ardinalityKeys` FROM parley.events",
	"EXPLAIN ESTIMATE SELECT * FROM parley.conversations", "explain indexes = 1 SELECT * FROM parley.conversations", "SELECT * FROM (EXPLAIN PIPELINE SELECT * FROM parley.conversations)",
	"/**/EXPLAIN/**/PLAN SELECT 1", "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))", "SELECT * FROM `viewExplain`('EXPLAIN', '', (SELECT 1))",
	"SELECT count() FROM parley.conversations SETTINGS max_rows_to_read = 10", "SET max_bytes_to_read = 10", "SELECT 1 SETTINGS read_overflow_mode = 'break'",
	"SELECT 1 SETTINGS output_format_write_statistics = 1", "SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS additional_table_filters = {}",
	"SELECT * FROM system.parts", "SELECT * FROM system.row_policies", "SELECT * FROM system.users", "SELECT * FROM system.grants", "SHOW ROW POLICIES", "SHOW ACCESS",
	"SHOW CREATE ROW POLICY ON parley_1.conversations", "SHOW GRANTS FOR parley_views", "SELECT read_rows FROM system.processes", "SELECT * FROM system.dictionaries", "SELECT * FROM system.settings_profiles",
	"EXECUTE AS parley_bi SELECT 1", "CREATE VIEW parley.x AS SELECT 1", "SELECT dictGet('x', 'y', 1)", "SELECT * FROM dictionary('x')", "SELECT joinGet('parley_1.conversations', 'channel', 'x')",
	"SELECT blockSize() FROM parley.events", "SELECT blockNumber() FROM parley.events", "SELECT max(rowNumberInBlock()) FROM parley.events",
	"SELECT * FROM merge('system', 'parts')", "SELECT * FROM remote('127.0.0.1', 'parley_1', 'conversations')", "SELECT * FROM remote('127.0.0.1', 'parley_1', 'conversations', 'parley_reader', '')",
	"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM file('x.csv', 'CSV', 'a String')", "SELECT file('users.xml')", "SELECT * FROM s3('http://127.0.0.1:1/', 'CSV', 'a String')",
	"SELECT * FROM executable('x', 'CSV', 'a String')", "SELECT * FROM sqlite('x', 'y')", "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT 1 INTO OUTFILE 'x'", "INSERT INTO FUNCTION file('x', 'CSV', 'a UInt8') SELECT 1",
	"SELECT * FROM mergeTreeProjection('parley_1', 'conversations', 'x')", "SELECT getSetting('SQL_secret')", "SYSTEM FLUSH LOGS", "BACKUP TABLE parley.conversations TO File('x')",
}

// refusedTables are tables of the system with what other users ask, or how much there is.
var refusedTables = []string{
	"query_log", "query_thread_log", "query_views_log", "session_log", "text_log", "trace_log", "part_log", "asynchronous_insert_log", "processors_profile_log",
	"parts", "parts_columns", "projection_parts", "detached_parts", "merges", "mutations", "moves", "data_skipping_indices", "part_moves_between_shards",
	"row_policies", "users", "grants", "role_grants", "roles", "quotas", "settings_profiles", "settings_profile_elements",
	"metrics", "events", "asynchronous_metrics", "errors", "warnings", "user_processes", "query_cache", "query_condition_cache", "stack_trace", "crash_log",
	"disks", "storage_policies", "server_settings", "zookeeper", "backups", "dropped_tables", "replicas", "distribution_queue", "dictionaries", "iceberg_history",
}

func TestHostileGuestsLearnNothingOfOtherProjects(t *testing.T) {
	g := newGuests(t)
	_ = g.add(t, "secret_client", 3)
	views := viewsOfProjects()
	var statements []string
	for _, view := range views {
		for _, statement := range slices.Concat(hostile, g.ofDictionaries(t, view)) {
			statements = append(statements, strings.ReplaceAll(statement, "VIEW", view))
		}
	}
	// With the rows of project 3, and without: the answers must be the same.
	run := func() *sync.Map {
		answers := new(sync.Map)
		each(statements, func(statement string) {
			status, answer := g.as(t, g.ann, statement, "max_block_size=100")
			if strings.Contains(answer, hidden) {
				t.Errorf("%s shows %.300s", statement, answer)
			}
			if status != http.StatusOK { // the rest of a message may name a thread, or the value that was met first
				answer = strings.Join(regexp.MustCompile(`Code: \d+`).FindAllString(answer, -1), " ")
			}
			answers.Store(statement, fmt.Sprint(status, " ", len(answer), " ", answer[:min(len(answer), 9)]))
		})
		return answers
	}
	with := run()
	refused := slices.Clone(revealing)
	for _, name := range refusedTables {
		refused = append(refused, "SELECT * FROM system."+name)
	}
	for _, statement := range refused {
		if status, answer := g.as(t, g.ann, statement, ""); status == http.StatusOK {
			t.Errorf("%s is answered: %.300s", statement, answer)
		}
	}
	for _, statement := range []string{"SHOW CREATE TABLE parley.conversations", "SELECT * FROM system.tables", "SHOW GRANTS", "SELECT * FROM system.processes", "SHOW PROCESSLIST", "KILL QUERY WHERE user = 'parley_bi'", "SELECT * FROM system.quota_usage"} {
		if _, answer := g.as(t, g.ann, statement, ""); strings.Contains(answer, "secret_client") || strings.Contains(answer, "project_id IN") {
			t.Errorf("%s shows %.300s", statement, answer)
		}
	}
	for _, parameters := range []string{"send_progress_in_http_headers=1&http_headers_progress_interval_ms=100", "default_format=JSON", "default_format=XML"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.FrontURL+"/?wait_end_of_query=1&"+parameters+"&query="+url.QueryEscape("SELECT count() FROM parley.events"), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(g.ann.Name, g.ann.Password)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		for name := range response.Header {
			if strings.HasSuffix(name, "Summary") || strings.HasSuffix(name, "Progress") {
				t.Errorf("?%s: header %s", parameters, name)
			}
		}
		if _, answer := g.as(t, g.ann, "SELECT count() FROM parley.events", parameters); strings.Contains(answer, "rows_read") {
			t.Errorf("?%s: %s", parameters, answer)
		}
	}
	for _, table := range []string{"conversations", "contacts", "transactions", "messages", "events", "customers", "sellers"} {
		g.Exec(t, "DELETE FROM parley_1."+table+" WHERE project_id = 3")
	}
	without := run()
	for _, statement := range statements {
		one, _ := with.Load(statement)
		other, _ := without.Load(statement)
		if one != other {
			t.Errorf("%s: %s with rows of the other project, %s without", statement, one, other)
		}
	}
	t.Logf("%d statements", len(statements))
}

// ofDictionaries are the statements on the LowCardinality columns of a view, also on those that come out of lists of tuples.
func (g guests) ofDictionaries(t *testing.T, view string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(g.Exec(t, "DESCRIBE TABLE parley."+view)) {
		column, kind, _ := strings.Cut(line, "\t")
		if !strings.HasPrefix(kind, "LowCardinality") {
			continue
		}
		for _, statement := range dictionaries {
			all = append(all, strings.ReplaceAll(statement, "COLUMN", column))
		}
	}
	return all
}

func TestGuestsAreKeptWithoutTheirPasswords(t *testing.T) {
	dir := t.TempDir()
	for name, projects := range map[string][]uint32{"default": {1}, "parley_bi": {1}, "Parley": {1}, "": {1}, "a b": {1}, "1a": {1}, "a.b": {1}, "a'": {1}, "ok": nil} {
		if _, err := embedded.AddGuest(dir, name, projects); err == nil {
			t.Errorf("%q of %v was added", name, projects)
		}
	}
	password, err := embedded.AddGuest(dir, "ann", []uint32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.AddGuest(dir, "Ann", []uint32{1}); err == nil {
		t.Error("a second user of the name was added")
	}
	content, err := os.ReadFile(filepath.Join(dir, embedded.GuestsFile))
	info, err2 := os.Stat(filepath.Join(dir, embedded.GuestsFile))
	if err != nil || err2 != nil || strings.Contains(string(content), password) || info.Mode().Perm() != 0o600 || len(password) != 43 {
		t.Errorf("%s, %v %v, mode %v", content, err, err2, info.Mode())
	}
	if err := embedded.RemoveGuest(dir, "bob"); !errors.Is(err, embedded.ErrNoGuest) {
		t.Errorf("removing nobody: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, embedded.GuestsFile), []byte(`[{"user": "x'", "projects": [1], "passwordSHA256": "00"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := embedded.Guests(dir); err == nil {
		t.Errorf("read %v", found)
	}
}
