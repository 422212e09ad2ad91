package embedded

import (
	"regexp"
	"slices"
	"testing"
)

func TestNoLimitIsGivenTwice(t *testing.T) {
	for name, limits := range map[string][]limit{"reader": readerLimits(1 << 30), "bi": biLimits(1 << 30)} {
		var seen []string
		for _, l := range limits {
			if slices.Contains(seen, l.Name) {
				t.Errorf("%s: %s is there twice", name, l.Name)
			}
			seen = append(seen, l.Name)
			if (l.Min == "") != (l.Max == "") {
				t.Errorf("%s: %s has one bound only", name, l.Name)
			}
		}
	}
}

// risky is how settings are named that widen what a query may use.
var risky = regexp.MustCompile(`memory|execution_time|_leaf$|timeout_overflow|max_concurrent|threads|temporary_data|untracked|overcommit|sleep|nice_value|^priority$|max_ast|max_expanded|parser_|_depth$|preallocate`)

// harmless are settings of such names that a dashboard may change: they choose how the work is done inside the limits, are bounds
// of rows which are off by default, or belong to work a dashboard cannot start.
var harmless = []string{
	"correlated_subqueries_use_in_memory_buffer", "distributed_aggregation_memory_efficient", "enable_adaptive_memory_spill_scheduler",
	"enable_memory_bound_merging_of_aggregation_results", "enable_multithreading_after_window_functions", "log_query_threads",
	"max_bytes_to_read_leaf", "max_rows_to_read_leaf", "read_overflow_mode_leaf", "max_distributed_depth",
	"query_plan_enable_multithreading_after_window_functions", "s3_slow_all_threads_after_network_error",
	"temporary_data_in_cache_reserve_space_wait_lock_timeout_milliseconds", "distributed_background_insert_max_sleep_time_ms",
	"backup_slow_all_threads_after_retryable_s3_error", "remerge_sort_lowered_memory_bytes_ratio", "serialize_string_in_memory_with_zero_byte",
	"input_format_parquet_memory_low_watermark", "input_format_parquet_memory_high_watermark", "distributed_background_insert_sleep_time_ms", "distributed_directory_monitor_max_sleep_time_ms", "distributed_directory_monitor_sleep_time_ms",
}

// RiskySettings are those of all settings that are neither bounded for the BI user nor known to be harmless.
func RiskySettings(all []string) []string {
	bounded := biLimits(1 << 30)
	var open []string
	for _, name := range all {
		isBounded := slices.ContainsFunc(bounded, func(l limit) bool { return l.Name == name })
		if risky.MatchString(name) && !isBounded && !slices.Contains(harmless, name) {
			open = append(open, name)
		}
	}
	return open
}
