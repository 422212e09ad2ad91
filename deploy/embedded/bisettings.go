package embedded

import (
	"math"
	"runtime"
	"slices"
	"strconv"
)

// biAllowed are the settings that a statement of the BI user may change: only those that BI tools
// and their drivers send. Every setting that is not listed is locked (readonly = 1), and the front
// refuses its name wherever it occurs, because ClickHouse does not check the SETTINGS of a
// subquery. The lists were taken from the drivers' sources and manuals:
//
//	clickhouse-go (Grafana), clickhouse-connect (Superset, Airflow), clickhouse-java (Metabase, Tableau, DBeaver), clickhouse-js
//	(Cube, HyperDX), clickhouse-odbc (Power BI, Excel), dbt-clickhouse
//
// None of them names a file, an address, a table or an expression. A setting may be added only if
// that is true of it, if it changes neither rights nor how a limit is counted, and if a widely used
// tool sends it. Settings with a range are clamped to it.
func biAllowed(memory int64) []limit {
	threads := strconv.Itoa(max(runtime.NumCPU(), 4))
	allowed := []limit{
		// Limits: every tool with a time-out (clickhouse-go sends that of its context and 5 seconds more), a row limit or a pool.
		between("max_execution_time", "60", "0.001", "60"),
		upTo("max_memory_usage", memory/5),
		between("max_threads", "", "1", threads),
		between("max_block_size", "", "1", "1048576"), // fetch size of clickhouse-java
		// Queries of a disconnected client are cancelled, whatever the client requests:
		// clickhouse-js and chproxy send it.
		between("cancel_http_readonly_queries_on_client_close", "1", "1", "1"),
		// Transport of the answer: clickhouse-connect, clickhouse-js, clickhouse-go. High levels
		// cost memory that is not counted.
		between("http_headers_progress_interval_ms", "", "100", "3600000"),
		between("http_zlib_compression_level", "", "1", "9"),
		between("network_zstd_compression_level", "", "1", "9"),
	}
	for _, names := range [][]string{
		// Limits on the size of answers: setMaxRows of JDBC and ODBC, HyperDX, row limits of Superset and Redash.
		{"max_result_rows", "max_result_bytes", "result_overflow_mode", "max_rows_to_read", "max_bytes_to_read", "read_overflow_mode", "limit", "offset"},
		// Transport of the answer: compression and progress.
		{"enable_http_compression", "network_compression_method", "send_progress_in_http_headers", "http_write_exception_in_output_format"},
		// Formats of values: time zone of a report, ISO dates, numbers in JSON (Cube, Redash,
		// clickhouse-js), JSON columns in the binary formats (clickhouse-go, clickhouse-java,
		// clickhouse-connect).
		{"session_timezone", "date_time_input_format", "date_time_output_format", "output_format_json_quote_64bit_integers",
			"output_format_json_quote_64bit_floats", "output_format_json_quote_decimals", "output_format_json_quote_denormals",
			"output_format_json_named_tuples_as_objects", "output_format_native_write_json_as_string",
			"output_format_native_encode_types_in_binary_format", "output_format_native_use_flattened_dynamic_and_json_serialization",
			"output_format_binary_write_json_as_string", "input_format_binary_read_json_as_string", "allow_experimental_json_type",
			"cast_string_to_dynamic_use_inference", "low_cardinality_allow_in_native_format", "input_format_null_as_default"},
		// SQL dialect of other databases: Tableau, Cube, Metabase and dbt set these for joins,
		// unions, casts and names.
		{"join_use_nulls", "union_default_mode", "prefer_column_name_to_alias", "aggregate_functions_null_for_empty", "cast_keep_nullable",
			"extremes", "select_sequential_consistency"},
		// Waiting for changes, which the user may not make: dbt sends these with every statement, and does not connect to a server
		// where one of them is read-only. The last is the present name of the one before.
		{"mutations_sync", "alter_sync", "insert_distributed_sync", "distributed_foreground_insert"},
		// A comment by the tool: Grafana, dbt, Superset.
		{"log_comment"},
	} {
		for _, name := range names {
			allowed = append(allowed, limit{Name: name})
		}
	}
	return allowed
}

// biParameters are the parameters of the HTTP interface, beside settings and param_…, that tools
// send. They affect how the request is transported; role is not among them, because the BI user has
// none.
var biParameters = []limit{
	{Name: "query"}, {Name: "database"}, {Name: "default_format"}, {Name: "query_id"}, {Name: "client_protocol_version"},
	{Name: "compress"}, {Name: "wait_end_of_query"}, {Name: "session_id"}, {Name: "session_check"}, {Name: "close_session"},
	between("session_timeout", "", "1", "3600"), // seconds
	between("buffer_size", "", "0", "16777216"), // bytes of the answer that wait in memory
	between("decompress", "", "0", "0"),         // the front reads the statement
}

// biRefused are functions that the front refuses, because they act before ClickHouse checks the
// right to: sqlite() opens the file it names, and creates it if it is missing. All other functions
// with access to files or hosts need a right that the BI user does not have; a test tries every one
// of them.
var biRefused = []string{"sqlite"}

// fence is the set of rules that the front enforces on the statements of one user.
type fence struct {
	settings   []limit  // that a statement may change
	parameters []limit  // of the HTTP interface
	functions  []string // that a statement may not call, in lower case
	words      []string // that a statement may not contain, in lower case, neither plain nor as a quoted name
}

// guestAllowed are the settings that a user of some projects may change. Those that limit what is read are not among them: the error
// beyond the limit says how much there is, of all projects.
func guestAllowed(memory int64) []limit {
	counts := []string{"max_rows_to_read", "max_bytes_to_read", "read_overflow_mode"}
	return slices.DeleteFunc(biAllowed(memory), func(l limit) bool { return slices.Contains(counts, l.Name) })
}

// guestWords are what else a user of some projects may not use: the plan of a statement counts rows of all projects, the
// dictionary of a LowCardinality column has the values of all rows that were in a block with those of the user, and the sizes of
// blocks tell how many rows were left out of them. The functions among them also act without parentheses, in APPLY.
var guestWords = []string{"explain", "viewexplain", "lowcardinalitykeys", "lowcardinalityindices", "blockserializedsize", "blocksize", "blocknumber", "rownumberinblock"}

func find(limits []limit, name string) (limit, bool) {
	i := slices.IndexFunc(limits, func(l limit) bool { return l.Name == name })
	if i < 0 {
		return limit{}, false
	}
	return limits[i], true
}

// clamp returns the allowed value nearest to the requested one; false means that it is not a
// number. Where the minimum is above 0, 0 means "no limit".
func (l limit) clamp(wanted string) (string, bool) {
	value, err := strconv.ParseFloat(wanted, 64)
	least, _ := strconv.ParseFloat(l.Min, 64) // a constant of this package, as is the other
	most, _ := strconv.ParseFloat(l.Max, 64)
	switch {
	case err != nil || math.IsNaN(value) || value < 0:
		return "", false
	case value > most, value == 0 && least > 0:
		return l.Max, true
	case value < least:
		return l.Min, true
	}
	return wanted, true
}
