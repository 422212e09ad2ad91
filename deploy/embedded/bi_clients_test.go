package embedded_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
)

// client is a BI tool: the parameters and headers of its requests, and the statements that it sends when it connects, reads the
// schema and draws a default panel.
type client struct {
	tool       string
	parameters url.Values
	header     http.Header
	get        bool // the statement is in the address
	// sent are statements as the source that is named writes them, with the names of our views filled in. Long lists of types,
	// engines and columns in them are cut to some members.
	sent []source
	// reconstructed are the likes of statements that a tool composes from the columns of a panel: written after its manual.
	reconstructed []string
}

// source is a file of the public repository of a tool or its driver, and the statements in it.
type source struct {
	file       string
	statements []string
}

// jdbc are the statements of clickhouse-java, the driver of Metabase and DBeaver.
var jdbc = []source{
	{"ClickHouse/clickhouse-java: client-v2/src/main/java/com/clickhouse/client/api/Client.java", []string{
		"SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1",
	}},
	{"ClickHouse/clickhouse-java: jdbc-v2/src/main/java/com/clickhouse/jdbc/metadata/DatabaseMetaDataImpl.java", []string{
		"SELECT name AS TABLE_SCHEM, '' AS TABLE_CATALOG FROM system.databases ORDER BY name",
		"SELECT 'local' AS TABLE_CAT  WHERE 1 = 0",
		"SELECT '' AS TABLE_CAT, t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, if(t.is_temporary = 1, concat('Temporary', t.engine), t.engine) AS TABLE_TYPE, t.comment AS REMARKS, CAST(null as Nullable(String)) AS TYPE_CAT, d.engine AS TYPE_SCHEM, CAST(null as Nullable(String)) AS TYPE_NAME, CAST(null as Nullable(String)) AS SELF_REFERENCING_COL_NAME, CAST(null as Nullable(String)) AS REF_GENERATION FROM system.tables t JOIN system.databases d ON system.tables.database = system.databases.name WHERE t.database LIKE 'parley' AND t.name LIKE '%' AND ( (t.engine IN ('View','MergeTree','ReplacingMergeTree')) OR (t.engine NOT IN ('View','MergeTree') AND NOT t.engine LIKE 'System%' AND NOT t.engine LIKE 'Async%' AND t.is_temporary = 0)) AND (t.is_temporary = 0)",
		"SELECT '' AS TABLE_CAT, database AS TABLE_SCHEM, table AS TABLE_NAME, name AS COLUMN_NAME, toInt32(1111) AS DATA_TYPE, type AS TYPE_NAME, toInt32(multiIf(character_octet_length IS NOT NULL, character_octet_length, system.columns.type == 'Int64', 8, numeric_precision IS NOT NULL, numeric_precision, 0)) AS COLUMN_SIZE, toInt32(0) AS BUFFER_LENGTH, toInt32(IF (numeric_scale == 0, NULL, numeric_scale)) as DECIMAL_DIGITS,  toInt32(numeric_precision_radix) AS NUM_PREC_RADIX, toInt32(position(type, 'Nullable(') >= 1 ?1 : 0) as NULLABLE, system.columns.comment AS REMARKS, system.columns.default_expression AS COLUMN_DEF, toInt32(0) AS SQL_DATA_TYPE, toInt32(0) AS SQL_DATETIME_SUB, character_octet_length::Nullable(Int32) AS CHAR_OCTET_LENGTH, toInt32(system.columns.position) AS ORDINAL_POSITION, position(upper(type), 'NULLABLE') >= 1 ? 'YES' : 'NO' AS IS_NULLABLE,CAST(NULL as Nullable(String)) AS SCOPE_CATALOG, CAST(NULL as Nullable(String)) AS SCOPE_SCHEMA, CAST(NULL as Nullable(String)) AS SCOPE_TABLE, CAST(NULL as Nullable(Int16)) AS SOURCE_DATA_TYPE, 'NO' as IS_AUTOINCREMENT, 'NO' as IS_GENERATEDCOLUMN  FROM system.columns WHERE database LIKE 'parley' AND table LIKE 'contacts' AND name LIKE '%' ORDER BY TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION",
		"SELECT NULL::Nullable(String) AS TABLE_CAT, system.tables.database AS TABLE_SCHEM, system.tables.name AS TABLE_NAME, trim(c.1) AS COLUMN_NAME, CAST(c.2 AS Int16) AS KEY_SEQ, 'PRIMARY' AS PK_NAME FROM system.tables ARRAY JOIN arrayZip(splitByChar(',', primary_key), arrayEnumerate(splitByChar(',', primary_key))) as c WHERE system.tables.primary_key <> '' AND system.tables.database ILIKE 'parley' AND system.tables.name ILIKE 'contacts' ORDER BY COLUMN_NAME",
		"SELECT CAST(NULL as Nullable(String)) AS TABLE_CAT, CAST(NULL as Nullable(String)) AS TABLE_SCHEM, CAST(NULL as Nullable(String)) AS TABLE_NAME, CAST(NULL as Nullable(String)) AS GRANTOR, CAST(NULL as Nullable(String)) AS GRANTEE, CAST(NULL as Nullable(String)) AS PRIVILEGE, CAST(NULL as Nullable(String)) AS IS_GRANTABLE LIMIT 0",
	}},
}

// connects are the statements that clickhouse-connect sends for each new client: Superset, dbt and notebooks.
var connects = source{"ClickHouse/clickhouse-connect: clickhouse_connect/driver/_backend/orchestration.py", []string{
	"SELECT version(), timezone()", "SELECT name, value, readonly FROM system.settings LIMIT 10000\n FORMAT Native", "SELECT 1 AS check\n FORMAT Native",
}}

var clients = []client{
	{"Grafana, clickhouse-go", url.Values{
		"database": {"parley"}, "default_format": {"Native"}, "client_protocol_version": {"54483"}, "max_execution_time": {"65"}, "limit": {"1000"},
		"wait_end_of_query": {"1"}, "output_format_native_use_flattened_dynamic_and_json_serialization": {"1"},
	}, header("User-Agent", "grafana/12.1.0 grafana-clickhouse-datasource/4.20.0 clickhouse-go/2.47.0", "Accept-Encoding", "gzip"), false, []source{
		{"ClickHouse/clickhouse-go: conn_http.go", []string{"SELECT displayName(), version(), revision(), timezone()", "SELECT 1"}},
		{"grafana/clickhouse-datasource: pkg/plugin/driver.go", []string{"SELECT version()"}},
		{"grafana/clickhouse-datasource: src/data/CHDatasource.ts", []string{
			"SHOW DATABASES", "SHOW TABLES", `SHOW TABLES FROM "parley"`, `DESC TABLE "parley"."contacts"`, `DESC TABLE "contacts"`,
			"SELECT name, type, table FROM system.columns", "SELECT name, type, table FROM system.columns WHERE database IN ('parley')",
			"SELECT name, type, table FROM system.columns WHERE database IN ('parley') AND table = 'contacts'",
			`SELECT DISTINCT arrayJoin(mapKeys("custom_data")) as keys FROM (SELECT "custom_data" FROM "parley"."conversations" LIMIT 10000) LIMIT 1000`,
			`SELECT DISTINCT "channel" FROM "parley"."conversations" WHERE "channel" IS NOT NULL LIMIT 1000`,
			`SELECT DISTINCT "custom_data"['country'] FROM "parley"."conversations" WHERE mapContains("custom_data", 'country') LIMIT 1000`,
			"SELECT\n        name, is_aggregate, case_insensitive, alias_to, origin, description,\n        syntax, arguments, returned_value, examples, categories\n      FROM system.functions\n      LIMIT 10000",
			"select distinct channel from parley.conversations limit 1000",
		}},
	}, []string{
		// The macros $__timeInterval, $__fromTime and $__toTime of pkg/macros/macros.go, expanded.
		`SELECT toStartOfInterval(toDateTime("created_at"), INTERVAL 60 second) as "time", count() FROM "parley"."conversations" WHERE ( created_at >= toDateTime(1700000000) AND created_at <= toDateTime(1900000000) ) GROUP BY time ORDER BY time ASC LIMIT 100000`,
		`SELECT started_at as "time", channel, duration_ms FROM "parley"."contacts" WHERE ( time >= fromUnixTimestamp64Milli(1700000000000) AND time <= fromUnixTimestamp64Milli(1900000000000) ) ORDER BY time DESC LIMIT 1000`,
	}},
	{"Metabase, clickhouse-java", url.Values{
		"database": {"parley"}, "default_format": {"RowBinaryWithNamesAndTypes"}, "compress": {"0"}, "session_timezone": {"Europe/Paris"},
		"query_id": {"b1946ac9-2a5e-4d3c-9d5d-4b9a5c1d7a10"}, "max_result_rows": {"2000"}, "result_overflow_mode": {"break"}, "select_sequential_consistency": {"1"},
	}, header("User-Agent", "metabase/1.56.4 jdbc-v2/0.9.1 clickhouse-java-v2/0.9.1 (Linux; jvm:21)"), false, append([]source{
		{"metabase/metabase: modules/drivers/clickhouse/src/metabase/driver/clickhouse.clj", []string{"SELECT timezone() AS tz"}},
		{"metabase/metabase: modules/drivers/clickhouse/src/metabase/driver/clickhouse_version.clj", []string{
			"WITH s AS (SELECT version() AS ver, splitByChar('.', ver) AS verSplit) SELECT s.ver, toInt32(verSplit[1]), toInt32(verSplit[2]) FROM s",
			"SELECT value='1' FROM system.settings WHERE name='cloud_mode'",
		}},
	}, jdbc...), []string{
		"SELECT 1", "SELECT true AS `_` FROM `parley`.`conversations` WHERE 1 <> 1 LIMIT 0",
		"SELECT `parley`.`contacts`.`status` AS `status`, `parley`.`contacts`.`channel` AS `channel` FROM `parley`.`contacts` LIMIT 10000",
		"-- Metabase\nSELECT toStartOfMonth(toTimeZone(`parley`.`conversations`.`created_at`, 'Europe/Paris')) AS `created_at`, COUNT(*) AS `count` FROM `parley`.`conversations` WHERE `parley`.`conversations`.`created_at` >= parseDateTimeBestEffort('2026-01-01 00:00:00.000+01:00') GROUP BY toStartOfMonth(toTimeZone(`parley`.`conversations`.`created_at`, 'Europe/Paris')) ORDER BY toStartOfMonth(toTimeZone(`parley`.`conversations`.`created_at`, 'Europe/Paris')) ASC",
		"SELECT max(`created_at`), min(`created_at`), count(distinct `channel`), quantile(0.5)(`duration_ms`) FROM `parley`.`conversations`",
	}},
	{"Superset, clickhouse-connect", url.Values{
		"database": {"parley"}, "client_protocol_version": {"54405"}, "session_id": {"6f1cd8a4-71b4-4a61-9a8e-6b0d3b9f8f35"}, "enable_http_compression": {"1"},
		"send_progress_in_http_headers": {"1"}, "http_headers_progress_interval_ms": {"120000"}, "wait_end_of_query": {"1"},
		"cancel_http_readonly_queries_on_client_close": {"1"}, "date_time_input_format": {"best_effort"}, "cast_string_to_dynamic_use_inference": {"1"},
	}, header("User-Agent", "superset/5.0.0 clickhouse-connect/0.8.18 (lv:py/3.11.11; mode:sync; os:linux)", "Accept-Encoding", "gzip, lz4", "Content-Type", "text/plain; charset=utf-8"), false, []source{
		connects,
		{"ClickHouse/clickhouse-connect: clickhouse_connect/cc_sqlalchemy/dialect.py", []string{
			"SELECT currentDatabase()", "SHOW DATABASES", "EXISTS DATABASE `parley`", "SHOW TABLES FROM `parley`", "EXISTS TABLE `parley`.`contacts`",
		}},
		{"ClickHouse/clickhouse-connect: clickhouse_connect/cc_sqlalchemy/inspector.py", []string{
			"DESCRIBE TABLE `parley`.`contacts`", "SELECT engine, engine_full, comment FROM system.tables WHERE database = 'parley' AND name = 'contacts'",
			"SELECT name FROM system.columns WHERE database = 'parley' AND table = 'contacts' AND is_in_primary_key = 1 ORDER BY position",
		}},
		{"apache/superset: superset/db_engine_specs/clickhouse.py", []string{
			"SELECT name FROM system.functions UNION ALL SELECT name FROM system.table_functions LIMIT 10000",
		}},
	}, []string{
		"SELECT toStartOfDay(toDateTime(`created_at`)) AS `__timestamp`, COUNT(*) AS `count` FROM `parley`.`conversations` WHERE `created_at` >= toDateTime('2023-01-01 00:00:00') GROUP BY toStartOfDay(toDateTime(`created_at`)) ORDER BY `count` DESC LIMIT 10000\n FORMAT Native",
		"SELECT * FROM `parley`.`contacts` LIMIT 100\n FORMAT Native",
	}},
	{"DBeaver, clickhouse-java", url.Values{
		"database": {"parley"}, "default_format": {"RowBinaryWithNamesAndTypes"}, "max_result_rows": {"200"}, "result_overflow_mode": {"break"}, "session_id": {"sess_1f0c1f6e-3d4a"},
	}, header("User-Agent", "DBeaver 25.0.0 - Main clickhouse-java/0.8.5"), false, append([]source{
		{"dbeaver/dbeaver: plugins/org.jkiss.dbeaver.ext.clickhouse/src/org/jkiss/dbeaver/ext/clickhouse/model/ClickhouseDataSource.java", []string{
			"SELECT VERSION()", "SHOW DATABASES", "SELECT name FROM system.table_engines", "KILL QUERY WHERE query_id='none'",
		}},
		{"dbeaver/dbeaver: plugins/org.jkiss.dbeaver.ext.clickhouse/src/org/jkiss/dbeaver/ext/clickhouse/model/ClickhouseMetaModel.java", []string{
			"SELECT name as TABLE_NAME, engine as TABLE_TYPE, database as TABLE_SCHEM,comment as REMARKS, * FROM system.tables\nWHERE database = 'parley'",
			"SELECT name as TABLE_NAME, engine as TABLE_TYPE, database as TABLE_SCHEM,comment as REMARKS, * FROM system.tables\nWHERE database = 'parley' and name='contacts'",
			"SHOW CREATE TABLE parley.contacts",
		}},
		{"dbeaver/dbeaver: plugins/org.jkiss.dbeaver.ext.clickhouse/src/org/jkiss/dbeaver/ext/clickhouse/model/ClickhouseDataTypeCache.java", []string{
			"SELECT\n    dt.name AS TYPE_NAME,\n    dt.alias_to AS TYPE_ALIAS, -- in driver, it was if(empty(alias_to), name, alias_to) AS DATA_TYPE\n    attrs.c2 AS PRECISION,\n    NULL AS LITERAL_PREFIX,\n    dt.name AS NULLABLE,\n    not(dt.case_insensitive)::Boolean AS CASE_SENSITIVE,\n    3 AS SEARCHABLE,\n    not(attrs.c3)::Boolean AS UNSIGNED_ATTRIBUTE\nFROM system.data_type_families dt\nLEFT JOIN (select 'Bool' as c1,1 as c2,true as c3,0 as c4,0 as c5,16 as c6 UNION ALL select 'Date',10,false,0,0,91\n) as attrs ON (dt.name = attrs.c1 or dt.alias_to = attrs.c1)",
		}},
	}, jdbc...), []string{
		"SELECT * FROM parley.transactions c LIMIT 0, 200", "SELECT count(*) FROM parley.contacts", "EXPLAIN SELECT * FROM parley.contacts", "USE parley",
	}},
	{"Cube, clickhouse-js", url.Values{
		"database": {"parley"}, "query_id": {"cube-1"}, "join_use_nulls": {"1"}, "send_progress_in_http_headers": {"0"},
	}, header("User-Agent", "clickhouse-js/1.12.0 (lv:nodejs/v22; os:linux)", "Content-Type", "text/plain;charset=UTF-8"), false, []source{
		{"cube-js/cube: packages/cubejs-clickhouse-driver/src/ClickHouseDriver.ts", []string{
			"SELECT 1 FORMAT JSON", "\n      SELECT name as column_name,\n             table as table_name,\n             database as table_schema,\n             type as data_type\n        FROM system.columns\n       WHERE database = 'parley'\n     FORMAT JSON",
			"\n      SELECT database as schema_name,\n            name as table_name\n      FROM system.tables\n      WHERE database IN ('parley')\n     FORMAT JSON",
			"\n      SELECT name as `column_name`,\n             table as `table_name`,\n             database as `schema_name`,\n             type as `data_type`\n      FROM system.columns\n      WHERE (database = 'parley' AND table = 'contacts')\n     FORMAT JSON",
			"KILL QUERY WHERE query_id = 'cube-none'",
		}},
	}, []string{
		"SELECT `conversations`.channel `conversations__channel`, count(*) `conversations__count` FROM parley.conversations AS `conversations` WHERE (`conversations`.created_at >= parseDateTimeBestEffort('2023-01-01T00:00:00.000') AND `conversations`.created_at <= parseDateTimeBestEffort('2030-01-01T00:00:00.000')) GROUP BY `conversations__channel` ORDER BY `conversations__count` DESC LIMIT 10000 FORMAT JSON",
		"SELECT toDateTime(toStartOfDay(`c`.started_at, 'Europe/Paris'), 'Europe/Paris') AS day, count() FROM parley.contacts AS `c` GROUP BY day FORMAT JSONCompactEachRowWithNamesAndTypes",
	}},
	{"dbt, clickhouse-connect", url.Values{
		"database": {"parley"}, "client_protocol_version": {"54405"}, "session_id": {"dbt::1"}, "send_progress_in_http_headers": {"1"}, "http_headers_progress_interval_ms": {"120000"},
		"mutations_sync": {"3"}, "alter_sync": {"3"}, "insert_distributed_sync": {"1"},
	}, header("User-Agent", "dbt-adapters/1.16.7 dbt-clickhouse/1.10.1 clickhouse-connect/0.8.18"), false, []source{
		connects,
		{"ClickHouse/dbt-clickhouse: dbt/adapters/clickhouse/dbclient.py", []string{"EXISTS DATABASE `parley`", "SELECT engine FROM system.databases WHERE name = database()"}},
		{"ClickHouse/dbt-clickhouse: dbt/adapters/clickhouse/httpclient.py", []string{"SELECT * FROM ( \nselect channel from parley.conversations \n) LIMIT 0\n FORMAT JSON"}},
		{"ClickHouse/dbt-clickhouse: dbt/include/clickhouse/macros/adapters.sql", []string{
			"select name from system.databases", "select name, type from system.columns where table = 'contacts'\n        and database = 'parley'\n    order by position",
			"with mv_sources as (select name as mv_name, database as mv_database, any(as_select) as mv_sql, any(replaceRegexpOne(create_table_query, '.*TO\\s+`?([^`\\s(]+)`?\\.`?([^`\\s(]+)`?.*', '\\1.\\2')) as target_fqn from system.tables where engine = 'MaterializedView' and create_table_query like '%TO %' group by mv_name, mv_database) select t.name as name, t.database as schema, multiIf(t.engine = 'MaterializedView', 'materialized_view', t.engine = 'View', 'view', t.engine = 'Dictionary', 'dictionary', 'table') as type, db.engine as db_engine, groupArrayIf(map('schema', mv_sources.mv_database, 'name', mv_sources.mv_name, 'sql', mv_sources.mv_sql), mv_sources.mv_name != '') as mvs_pointing_to_it, max(position(substring(t.create_table_query, 1, position(t.create_table_query, ' TO ')), ' REFRESH ')) > 0 as is_refreshable, 0 as is_on_cluster from system.tables as t join system.databases as db on t.database = db.name left join mv_sources on mv_sources.target_fqn = concat(t.database, '.', t.name) where schema = 'parley' group by name, schema, type, db_engine",
		}},
		{"ClickHouse/dbt-clickhouse: dbt/include/clickhouse/macros/catalog.sql", []string{
			"select '' as table_database, columns.database as table_schema, columns.table as table_name, if(tables.engine not in ('MaterializedView', 'View'), 'table', 'view') as table_type, nullIf(tables.comment, '') as table_comment, columns.name as column_name, columns.position as column_index, columns.type as column_type, nullIf(columns.comment, '') as column_comment, null as table_owner from system.columns as columns join system.tables as tables on tables.database = columns.database and tables.name = columns.table where columns.database != 'system' and (columns.database = 'parley') order by columns.database, columns.table, columns.position",
		}},
	}, []string{
		`/* {"app": "dbt", "dbt_version": "1.9.4", "profile_name": "parley", "target_name": "dev", "node_id": "test.parley.not_null"} */ select count(*) as failures, count(*) != 0 as should_warn, count(*) != 0 as should_error from ( select conversation_id from parley.conversations where conversation_id is null ) dbt_internal_test`,
		"select * from (select channel, count(*) from parley.conversations group by channel) as model limit 5 SETTINGS log_comment = 'dbt'",
	}},
	{"Power BI, clickhouse-odbc", url.Values{
		"database": {"parley"}, "default_format": {"ODBCDriver2"}, "query_id": {"powerbi-1"},
	}, header("User-Agent", "clickhouse-odbc/1.4.3", "Content-Type", "application/octet-stream"), false, []source{
		{"ClickHouse/clickhouse-odbc: driver/api/odbc.cpp", []string{
			"SELECT CAST(name, 'Nullable(String)') AS TABLE_CAT, CAST(NULL, 'Nullable(String)') AS TABLE_SCHEM, CAST(NULL, 'Nullable(String)') AS TABLE_NAME, CAST(NULL, 'Nullable(String)') AS TABLE_TYPE, CAST(NULL, 'Nullable(String)') AS REMARKS FROM system.databases ORDER BY TABLE_TYPE, TABLE_CAT, TABLE_SCHEM, TABLE_NAME",
			"SELECT CAST(database, 'Nullable(String)') AS TABLE_CAT, CAST(NULL, 'Nullable(String)') AS TABLE_SCHEM, CAST(name, 'Nullable(String)') AS TABLE_NAME, CAST('TABLE', 'Nullable(String)') AS TABLE_TYPE, CAST(NULL, 'Nullable(String)') AS REMARKS FROM system.tables WHERE (1 == 1) AND isNotNull(TABLE_CAT) AND coalesce(TABLE_CAT, '') LIKE 'parley' ORDER BY TABLE_TYPE, TABLE_CAT, TABLE_SCHEM, TABLE_NAME",
			"SELECT toNullable(database) AS TABLE_CAT, toNullable('') AS TABLE_SCHEM, table AS TABLE_NAME, name AS COLUMN_NAME, toInt16(0) AS DATA_TYPE, type AS TYPE_NAME, toNullable(toInt32(0)) AS COLUMN_SIZE, toNullable(toInt32(0)) AS BUFFER_LENGTH, toNullable(toInt16(0)) AS DECIMAL_DIGITS, toNullable(toInt16(0)) AS NUM_PREC_RADIX, toInt16(0) AS NULLABLE, toNullable('') AS REMARKS, toNullable('') AS COLUMN_DEF, toInt16(0) AS SQL_DATA_TYPE, toNullable(toInt16(0)) AS SQL_DATETIME_SUB, toNullable(toInt32(0)) AS CHAR_OCTET_LENGTH, toInt32(0) AS ORDINAL_POSITION, toNullable('') AS IS_NULLABLE FROM system.columns WHERE (1 == 1) AND isNotNull(TABLE_CAT) AND coalesce(TABLE_CAT, '') LIKE 'parley' AND TABLE_NAME LIKE 'contacts' ORDER BY TABLE_CAT, TABLE_SCHEM, TABLE_NAME, ORDINAL_POSITION",
			"SELECT * FROM (SELECT 'Date' AS TYPE_NAME, toInt16(91) AS DATA_TYPE, toInt32(10) AS COLUMN_SIZE, NULL AS LITERAL_PREFIX, NULL AS LITERAL_SUFFIX, NULL AS CREATE_PARAMS, toInt16(1) AS NULLABLE, toInt16(1) AS CASE_SENSITIVE, toInt16(3) AS SEARCHABLE, toInt16(1) AS UNSIGNED_ATTRIBUTE, toInt16(0) AS FIXED_PREC_SCALE, toInt16(0) AS AUTO_UNIQUE_VALUE, TYPE_NAME AS LOCAL_TYPE_NAME, NULL AS MINIMUM_SCALE, NULL AS MAXIMUM_SCALE, toInt16(9) AS SQL_DATA_TYPE, toNullable(toInt16(1)) AS SQL_DATETIME_SUB, toNullable(toInt32(NULL)) AS NUM_PREC_RADIX, toInt16(0) AS INTERVAL_PRECISION) ORDER BY DATA_TYPE",
		}},
	}, []string{
		"SELECT 1", "SELECT version()", "select * from `parley`.`contacts` where 1 = 0", "select top 1000 `conversation_id`, `status` from `parley`.`contacts`",
		"select sum(cast(`duration_ms` as Nullable(Float64))) as `C1` from `parley`.`contacts`",
	}},
	{"a notebook, pandas over HTTP", url.Values{"database": {"parley"}}, header("User-Agent", "python-requests/2.32"), true, nil, []string{
		"SELECT * FROM conversations LIMIT 10 FORMAT CSVWithNames", "SELECT * FROM contacts LIMIT 10 FORMAT Parquet", "SELECT * FROM contacts FORMAT ArrowStream",
	}},
}

func TestStatementsOfClientsAreAnswered(t *testing.T) {
	g := newTarget(t)
	clientsAreAnswered(t, g.FrontURL, g.BI)
}

// clientsAreAnswered sends the statements of all clients as a user, but those that contain one of some words.
func clientsAreAnswered(t *testing.T, front string, user embedded.User, without ...string) {
	t.Helper()
	for _, c := range clients {
		for _, s := range append(c.sent, source{"reconstructed", c.reconstructed}) {
			for _, statement := range s.statements {
				if slices.ContainsFunc(without, func(word string) bool { return strings.Contains(statement, word) }) {
					continue
				}
				h := c.header.Clone()
				h.Set("Authorization", basic(user.Name, user.Password))
				parameters, method, body := url.Values{}, http.MethodPost, statement
				for name, values := range c.parameters {
					parameters[name] = values
				}
				if c.get {
					parameters.Set("query", statement)
					method, body = http.MethodGet, ""
				}
				status, answer := ask(t, method, front+"/?"+parameters.Encode(), body, h)
				if status != http.StatusOK || strings.HasPrefix(answer, "Code: ") {
					t.Errorf("%s (%s): %s: %d %.300s", c.tool, s.file, statement, status, answer)
				}
			}
		}
	}
}
