package embedded_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// clients are requests that BI tools send when they connect, read the schema and draw a default panel: the parameters of the
// address, the headers, and the statements, written down from the sources of the tools and their drivers.
var clients = []struct {
	tool       string
	parameters url.Values
	header     http.Header
	get        bool // the statement is in the address
	statements []string
}{
	{"Grafana, clickhouse-go over HTTP", url.Values{
		"database": {"parley"}, "default_format": {"Native"}, "client_protocol_version": {"54483"}, "max_execution_time": {"65"}, "compress": {"1"},
		"wait_end_of_query": {"1"}, "output_format_native_use_flattened_dynamic_and_json_serialization": {"1"},
	}, header("User-Agent", "grafana/11.5.2 grafana-clickhouse-datasource/4.8.0 clickhouse-go/2.30.0", "Accept-Encoding", "gzip"), false, []string{
		"SELECT displayName(), version(), revision(), timezone()", "SELECT 1", "SELECT version()",
		"SHOW DATABASES", "SHOW TABLES", "SHOW TABLES FROM parley", "DESC TABLE parley.conversations", `DESC TABLE "parley"."contacts"`,
		`SELECT name, type, table FROM system.columns WHERE database IN ('parley') AND table = 'contacts'`,
		"SELECT name FROM system.tables WHERE database = 'parley'",
		`SELECT DISTINCT arrayJoin(mapKeys(custom_data)) AS keys FROM "parley"."conversations" LIMIT 1000`,
		"SELECT alias FROM (SELECT name, alias_to AS alias FROM system.functions) LIMIT 10",
		`SELECT toStartOfInterval("created_at", INTERVAL 60 second) as "time", count() FROM "parley"."conversations" WHERE ( created_at >= fromUnixTimestamp64Milli(1700000000000) AND created_at <= fromUnixTimestamp64Milli(1900000000000) ) GROUP BY time ORDER BY time ASC LIMIT 100000`,
		`SELECT created_at as "time", channel, duration_ms FROM "parley"."conversations" WHERE ( time >= toDateTime(1700000000) AND time <= toDateTime(1900000000) ) LIMIT 1000`,
		"SELECT DISTINCT channel FROM parley.conversations LIMIT 1000",
	}},
	{"Metabase, clickhouse-java", url.Values{
		"database": {"parley"}, "default_format": {"RowBinaryWithNamesAndTypes"}, "client_protocol_version": {"54448"}, "compress": {"0"},
		"query_id": {"b1946ac9-2a5e-4d3c-9d5d-4b9a5c1d7a10"}, "max_result_rows": {"2000"}, "result_overflow_mode": {"break"},
	}, header("User-Agent", "metabase/1.53.4 jdbc-v2/0.9.1 clickhouse-java-v2/0.9.1 (Linux; jvm:21)"), false, []string{
		"SELECT currentUser() AS user, timezone() AS timezone, version() AS version, 1 AS readonly, '' AS non_transactional LIMIT 1 FORMAT RowBinaryWithNamesAndTypes",
		"SELECT version()", "SELECT 1", "SELECT currentUser()",
		"SELECT name AS TABLE_SCHEM, '' AS TABLE_CATALOG FROM system.databases ORDER BY name",
		"SELECT '' AS TABLE_CAT, t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, CASE WHEN t.engine LIKE '%Log' THEN 'LOG TABLE' WHEN t.engine = 'View' THEN 'VIEW' ELSE 'TABLE' END AS TABLE_TYPE, t.comment AS REMARKS FROM system.tables t JOIN system.databases d ON t.database = d.name WHERE t.database LIKE 'parley' AND t.name LIKE '%' ORDER BY TABLE_TYPE, TABLE_SCHEM, TABLE_NAME",
		"SELECT database AS TABLE_SCHEM, table AS TABLE_NAME, name AS COLUMN_NAME, type AS TYPE_NAME, toInt32(position) AS ORDINAL_POSITION, comment AS REMARKS, default_expression AS COLUMN_DEF FROM system.columns WHERE database LIKE 'parley' AND table LIKE 'contacts' AND name LIKE '%' ORDER BY TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION",
		"SELECT name, primary_key FROM system.tables WHERE database = 'parley' AND primary_key <> ''",
		"SELECT name AS TYPE_NAME, attributes FROM system.data_type_families LEFT JOIN (SELECT '' AS attributes) AS x ON 1 = 1 LIMIT 5",
		"SELECT true AS `_` FROM `parley`.`conversations` WHERE 1 <> 1 LIMIT 0",
		"SELECT `parley`.`contacts`.`status` AS `status`, `parley`.`contacts`.`channel` AS `channel` FROM `parley`.`contacts` LIMIT 10000",
		"-- Metabase\nSELECT toStartOfMonth(`parley`.`conversations`.`created_at`) AS `created_at`, COUNT(*) AS `count` FROM `parley`.`conversations` GROUP BY toStartOfMonth(`parley`.`conversations`.`created_at`) ORDER BY toStartOfMonth(`parley`.`conversations`.`created_at`) ASC",
		"SELECT max(`created_at`), min(`created_at`), uniqExact(`channel`) FROM `parley`.`conversations`",
	}},
	{"Superset, clickhouse-connect", url.Values{
		"database": {"parley"}, "client_protocol_version": {"54405"}, "session_id": {"6f1cd8a4-71b4-4a61-9a8e-6b0d3b9f8f35"}, "enable_http_compression": {"1"},
		"send_progress_in_http_headers": {"1"}, "http_headers_progress_interval_ms": {"120000"}, "wait_end_of_query": {"1"},
		"cancel_http_readonly_queries_on_client_close": {"1"}, "date_time_input_format": {"best_effort"}, "query_id": {"a2f0e6e8-1b1c-4d55-8a24-0e0d9f1f6a11"},
	}, header("User-Agent", "apache Superset clickhouse-connect/0.8.15 (lv:py/3.11.11; mode:sync; os:linux)", "Accept-Encoding", "gzip, lz4"), false, []string{
		"SELECT version(), timezone()", "SELECT name, value, readonly as readonly FROM system.settings LIMIT 10000", "SELECT name, value, readonly FROM system.settings",
		"SHOW DATABASES", "SELECT name FROM system.databases", "SHOW TABLES FROM `parley`", "EXISTS TABLE `parley`.`contacts`", "DESCRIBE TABLE `parley`.`contacts`",
		"SELECT name FROM system.tables WHERE database = 'parley' AND engine = 'View'",
		"SELECT name FROM system.functions UNION ALL SELECT name FROM system.table_functions",
		"SELECT toStartOfDay(toDateTime(`created_at`)) AS `__timestamp`, COUNT(*) AS `count` FROM `parley`.`conversations` WHERE `created_at` >= toDateTime('2023-01-01 00:00:00') GROUP BY toStartOfDay(toDateTime(`created_at`)) ORDER BY `count` DESC LIMIT 10000\n FORMAT Native",
		"SELECT * FROM `parley`.`contacts` LIMIT 100\n FORMAT Native",
	}},
	{"DBeaver, clickhouse-java", url.Values{
		"database": {"parley"}, "default_format": {"RowBinaryWithNamesAndTypes"}, "max_result_rows": {"200"}, "result_overflow_mode": {"break"}, "session_id": {"DBeaver_25"},
	}, header("User-Agent", "DBeaver 25.0.0 - Main clickhouse-java/0.8.5"), false, []string{
		"SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1", "SELECT version()", "SELECT currentDatabase()",
		"SELECT * FROM system.databases", "SELECT name, engine, comment FROM system.tables WHERE database = 'parley'", "SHOW CREATE TABLE parley.contacts", "SHOW CREATE TABLE `parley`.`conversations`",
		"SELECT name, alias_to FROM system.data_type_families", "SELECT * FROM system.table_engines", "SELECT * FROM system.functions", "SELECT name, keyword FROM (SELECT name, name AS keyword FROM system.functions) LIMIT 3",
		"SELECT * FROM system.data_skipping_indices WHERE database = 'parley'", "SELECT database, table, sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active GROUP BY database, table",
		"SELECT * FROM parley.transactions c LIMIT 200", "SELECT count(*) FROM parley.contacts", "EXPLAIN SELECT * FROM parley.contacts", "USE parley",
	}},
	{"Cube, clickhouse-js", url.Values{
		"database": {"parley"}, "query_id": {"cube-1"}, "join_use_nulls": {"1"}, "date_time_output_format": {"iso"}, "output_format_json_quote_64bit_integers": {"1"},
		"output_format_json_quote_denormals": {"1"}, "session_id": {"cube"},
	}, header("User-Agent", "clickhouse-js/1.12.0 (lv:nodejs/v22; os:linux)", "Content-Type", "text/plain;charset=UTF-8"), false, []string{
		"SELECT 1", "SELECT columns.name as column_name, columns.table as table_name, columns.database as table_schema, columns.type as data_type FROM system.columns WHERE columns.database = 'parley' FORMAT JSON",
		"SELECT name as table_name FROM system.tables WHERE database = 'parley' FORMAT JSON",
		"SELECT `conversations`.channel `conversations__channel`, count(*) `conversations__count` FROM parley.conversations AS `conversations` WHERE (`conversations`.created_at >= parseDateTimeBestEffort('2023-01-01T00:00:00.000') AND `conversations`.created_at <= parseDateTimeBestEffort('2030-01-01T00:00:00.000')) GROUP BY `conversations__channel` ORDER BY `conversations__count` DESC LIMIT 10000 FORMAT JSON",
		"SELECT toDateTime(toStartOfDay(`c`.started_at, 'Europe/Paris'), 'Europe/Paris') AS day, count() FROM parley.contacts AS `c` GROUP BY day FORMAT JSONCompactEachRowWithNamesAndTypes",
		"KILL QUERY WHERE query_id = 'cube-none'",
	}},
	{"dbt, clickhouse-connect", url.Values{
		"database": {"parley"}, "client_protocol_version": {"54405"}, "session_id": {"dbt::1"}, "send_progress_in_http_headers": {"1"}, "http_headers_progress_interval_ms": {"18000"},
	}, header("User-Agent", "dbt-clickhouse/1.9.1 clickhouse-connect/0.8.15"), false, []string{
		"SELECT version(), timezone()", "select name from system.databases",
		"select t.name as name, t.database as schema, multiIf(engine in ('MaterializedView', 'View'), 'view', engine = 'Dictionary', 'dictionary', 'table') as type, db.engine as db_engine from system.tables as t JOIN system.databases as db on t.database = db.name where schema = 'parley'",
		"select name, type from system.columns where table = 'contacts' and database = 'parley' order by position",
		"select columns.database as table_schema, columns.table as table_name, tables.engine as table_type, columns.name as column_name, columns.position as column_index, columns.type as column_type from system.columns join system.tables on system.columns.database = system.tables.database and system.columns.table = system.tables.name where system.columns.database = 'parley'",
		`/* {"app": "dbt", "dbt_version": "1.9.4", "profile_name": "parley", "target_name": "dev", "node_id": "test.parley.not_null"} */ select count(*) as failures, count(*) != 0 as should_warn, count(*) != 0 as should_error from ( select conversation_id from parley.conversations where conversation_id is null ) dbt_internal_test`,
		"select * from (select channel, count(*) from parley.conversations group by channel) as model limit 5 SETTINGS log_comment = 'dbt'",
	}},
	{"Power BI, clickhouse-odbc", url.Values{
		"database": {"parley"}, "default_format": {"ODBCDriver2"}, "query_id": {"powerbi-1"},
	}, header("User-Agent", "clickhouse-odbc/1.4.3", "Content-Type", "application/octet-stream"), false, []string{
		"SELECT 1", "SELECT version()", "SELECT currentDatabase()",
		"SELECT CAST('', 'Nullable(String)') AS TABLE_CAT, name AS TABLE_SCHEM FROM system.databases",
		"SELECT CAST(database, 'Nullable(String)') AS TABLE_CAT, CAST('', 'Nullable(String)') AS TABLE_SCHEM, CAST(name, 'Nullable(String)') AS TABLE_NAME, CAST(multiIf(engine = 'View', 'VIEW', is_temporary, 'LOCAL TEMPORARY', 'TABLE'), 'Nullable(String)') AS TABLE_TYPE, CAST(NULL, 'Nullable(String)') AS REMARKS FROM system.tables WHERE isNotNull(TABLE_CAT) AND coalesce(TABLE_CAT, '') LIKE 'parley' ORDER BY TABLE_TYPE, TABLE_CAT, TABLE_SCHEM, TABLE_NAME",
		"SELECT database AS TABLE_CAT, '' AS TABLE_SCHEM, table AS TABLE_NAME, name AS COLUMN_NAME, type AS DATA_TYPE, position AS ORDINAL_POSITION FROM system.columns WHERE TABLE_CAT LIKE 'parley' AND TABLE_NAME LIKE 'contacts' ORDER BY TABLE_NAME, ORDINAL_POSITION",
		"select * from `parley`.`contacts` where 1 = 0", "select top 1000 `conversation_id`, `status` from `parley`.`contacts`", "select sum(cast(`duration_ms` as Nullable(Float64))) as `C1` from `parley`.`contacts`",
	}},
	{"a notebook, pandas over HTTP", url.Values{"database": {"parley"}}, header("User-Agent", "python-requests/2.32"), true, []string{
		"SELECT * FROM conversations LIMIT 10 FORMAT CSVWithNames", "SELECT * FROM contacts LIMIT 10 FORMAT Parquet", "SELECT * FROM contacts FORMAT ArrowStream",
	}},
}

func TestStatementsOfClientsAreAnswered(t *testing.T) {
	g := newTarget(t)
	for _, c := range clients {
		for _, statement := range c.statements {
			h := c.header.Clone()
			h.Set("Authorization", basic(g.BI.Name, g.BI.Password))
			parameters, method, body := url.Values{}, http.MethodPost, statement
			for name, values := range c.parameters {
				parameters[name] = values
			}
			if c.get {
				parameters.Set("query", statement)
				method, body = http.MethodGet, ""
			}
			status, answer := ask(t, method, g.FrontURL+"/?"+parameters.Encode(), body, h)
			if status != http.StatusOK || strings.HasPrefix(answer, "Code: ") {
				t.Errorf("%s: %s: %d %.300s", c.tool, statement, status, answer)
			}
		}
	}
}
