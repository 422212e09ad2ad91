package embedded

import (
	"runtime"
	"strconv"
)

// maxTemporary is the most space sorting and grouping may take on disk, in bytes.
const maxTemporary = 20 << 30

// limit is one setting of a user's profile. Value applies when a query does not set it; empty keeps ClickHouse's own default. A
// query may choose from Min to Max; without a Max it may not change the setting at all, unless it is Changeable.
type limit struct {
	Name, Value, Min, Max string
	// Changeable marks what a user with readonly = 1 may change; such a user may change nothing else.
	Changeable bool
}

// upTo is a setting that a query may lower but not raise. Min is 1 because 0 mostly means no limit.
func upTo(name string, most int64) limit {
	n := strconv.FormatInt(most, 10)
	return limit{Name: name, Value: n, Min: "1", Max: n}
}

// between is a setting with a range that holds its default.
func between(name, value, least, most string) limit {
	return limit{Name: name, Value: value, Min: least, Max: most}
}

// readerLimits bound one query of the query role, and all its queries together by memory.
func readerLimits(memory int64) []limit {
	return []limit{
		upTo("max_memory_usage", memory/5*2),
		upTo("max_memory_usage_for_user", memory/5*3),
		between("max_execution_time", "60", "0.001", "600"),
		upTo("max_temporary_data_on_disk_size_for_user", maxTemporary/2),
		{Name: "cancel_http_readonly_queries_on_client_close", Value: "1"},
	}
}

// biLimits bound what dashboards may use, who can change only the allowed ones (readonly = 1).
func biLimits(memory int64, allowed []limit) []limit {
	threads := strconv.Itoa(max(runtime.NumCPU(), 4))
	limits := allowed
	for i := range limits {
		limits[i].Changeable = true
	}
	for _, fixed := range [][2]string{
		{"max_memory_usage_for_user", strconv.FormatInt(memory/5*2, 10)}, // bytes
		// The front enforces the limit; ClickHouse may still be ending a statement whose place is free again.
		{"max_concurrent_queries_for_user", strconv.Itoa(2 * biRunning)},
		// Space on disk, in bytes.
		{"max_temporary_data_on_disk_size_for_query", strconv.Itoa(maxTemporary / 8)},
		{"max_temporary_data_on_disk_size_for_user", strconv.Itoa(maxTemporary / 4)},
		{"min_free_disk_space_for_temporary_data", strconv.Itoa(1 << 30)},
		// Threads: each has a stack and buffers that no memory limit covers.
		{"max_final_threads", threads},
		{"max_parsing_threads", threads},
		// Depth and size of the text: beyond these the parser runs out of stack or memory.
		{"max_parser_depth", "1000"},
		{"max_parser_backtracks", "1000000"},
		{"max_ast_depth", "1000"},
		{"max_ast_elements", "50000"},
		{"max_expanded_ast_elements", "500000"},
		{"max_subquery_depth", "100"},
		{"max_analyze_depth", "5000"},
		{"max_recursive_cte_evaluation_depth", "1000"},
		{"max_query_size", strconv.Itoa(maxStatement)},
	} {
		limits = append(limits, limit{Name: fixed[0], Value: fixed[1]})
	}
	return limits
}

// guestLimits are those of a user of some projects: answers do not say how many rows were read, which would count those of all projects.
func guestLimits(memory int64) []limit {
	return append(biLimits(memory, guestAllowed(memory)), limit{Name: "output_format_write_statistics", Value: "0"})
}
