package embedded

import (
	"runtime"
	"strconv"
	"strings"
)

// maxTemporary is the most space sorting and grouping may take on disk, in bytes.
const maxTemporary = 20 << 30

// limit is one setting of a user's profile. Value holds when a query says nothing; empty keeps ClickHouse's own default. A query
// may choose from Min to Max; without a Max it may not change the setting at all.
type limit struct{ Name, Value, Min, Max string }

// Fixed says that a query may not change the setting.
func (l limit) Fixed() bool { return l.Max == "" }

// fixed are settings that keep ClickHouse's default.
func fixed(names string) []limit {
	var limits []limit
	for name := range strings.FieldsSeq(names) {
		limits = append(limits, limit{Name: name})
	}
	return limits
}

// upTo is a setting that a query may lower but not raise. Min is 1 because 0 mostly means: without limit.
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

// biLimits bound what dashboards may use, and fence off the settings with which a query could widen that, crash the process, or
// reach files and the network. All others are free, for BI drivers send many.
func biLimits(memory int64) []limit {
	threads := strconv.Itoa(max(runtime.NumCPU(), 4))
	limits := []limit{
		// Memory of a query and of the user, in bytes.
		upTo("max_memory_usage", memory/5),
		upTo("max_memory_usage_for_user", memory/5*2),
		// Time of a query, in seconds.
		between("max_execution_time", "60", "0.001", "60"),
		// Space on disk, in bytes.
		upTo("max_temporary_data_on_disk_size_for_query", maxTemporary/8),
		upTo("max_temporary_data_on_disk_size_for_user", maxTemporary/4),
		{Name: "min_free_disk_space_for_temporary_data", Value: strconv.Itoa(1 << 30)},
		// Threads: each has a stack and buffers that no limit counts.
		between("max_threads", "", "1", threads),
		between("max_final_threads", "", "1", threads),
		between("max_parsing_threads", "", "1", threads),
		{Name: "max_concurrent_queries_for_user", Value: "16"},
		// Depth and size of the text: beyond these the parser runs out of stack or memory.
		upTo("max_parser_depth", 1000),
		upTo("max_parser_backtracks", 1_000_000),
		upTo("max_ast_depth", 1000),
		upTo("max_ast_elements", 50_000),
		upTo("max_expanded_ast_elements", 500_000),
		upTo("max_subquery_depth", 100),
		upTo("max_analyze_depth", 5000),
		upTo("max_recursive_cte_evaluation_depth", 1000),
		between("max_query_size", "1048576", "1", "4194304"),
		// A query whose client is gone ends.
		{Name: "cancel_http_readonly_queries_on_client_close", Value: "1"},
	}
	for _, group := range biFixed {
		limits = append(limits, fixed(group)...)
	}
	return limits
}

// biFixed are the settings a dashboard may not touch, by what they would open.
var biFixed = []string{
	// Memory that is not counted, counted late, or waited for; and room made before it is needed.
	`max_untracked_memory memory_overcommit_ratio_denominator memory_overcommit_ratio_denominator_for_user
	 memory_usage_overcommit_max_wait_microseconds memory_tracker_fault_probability memory_profiler_step
	 memory_profiler_sample_probability memory_profiler_sample_min_allocation_size memory_profiler_sample_max_allocation_size
	 max_size_to_preallocate_for_aggregation max_size_to_preallocate_for_joins min_bytes_to_use_mmap_io min_bytes_to_use_direct_io
	 local_filesystem_read_method storage_file_read_method filesystem_prefetch_max_memory_usage filesystem_prefetches_limit
	 http_response_buffer_size temporary_files_buffer_size function_range_max_elements_in_block
	 max_reverse_dictionary_lookup_cache_size_bytes max_threads_min_free_memory_per_thread
	 max_insert_threads_min_free_memory_per_thread reserve_memory webassembly_udf_max_memory input_format_json_max_depth`,
	// Time that is not counted, or that ends in something else than an error.
	`max_execution_time_leaf max_estimated_execution_time timeout_overflow_mode timeout_overflow_mode_leaf
	 timeout_before_checking_execution_speed max_execution_speed max_execution_speed_bytes function_sleep_max_microseconds_per_block
	 http_send_timeout http_receive_timeout http_headers_read_timeout merge_tree_storage_snapshot_sleep_ms sleep_in_send_data_ms
	 sleep_in_send_tables_status_ms sleep_after_receiving_query_ms max_rand_distribution_trials reject_expensive_hyperscan_regexps
	 enable_streaming_queries partial_result_on_first_cancel`,
	// More threads, or a better place among the other users.
	`max_threads_for_indexes max_insert_threads max_download_threads max_streams_to_max_threads_ratio
	 max_streams_multiplier_for_merge_tables max_streams_for_merge_tree_reading max_streams_for_union_step
	 max_streams_for_union_step_to_max_threads_ratio aggregation_memory_efficient_merge_threads cache_warmer_threads
	 max_concurrent_queries_for_all_users max_sessions_for_user use_concurrency_control priority low_priority_query_wait_time_ms
	 queue_max_wait_ms workload os_thread_priority os_threads_nice_value_query os_threads_nice_value_materialized_view
	 replace_running_query`,
	// Limits of the HTTP parser.
	`http_max_fields http_max_field_name_size http_max_field_value_size http_max_uri_size http_max_request_header_size
	 http_max_request_param_data_size http_max_multipart_form_data_size`,
	// Files, the network, and secrets.
	`format_schema format_schema_source format_schema_message_name output_format_schema format_avro_schema_registry_url
	 format_display_secrets_in_show_and_select dynamic_disk_allow_from_env dynamic_disk_allow_from_zk dynamic_disk_allow_include
	 s3_allow_server_credentials_in_user_queries into_outfile_create_parent_directories allow_get_client_http_header`,
	// Other languages, parts of ClickHouse that are not done, and tools for its developers.
	`dialect polyglot_dialect allow_experimental_prql_dialect allow_experimental_kusto_dialect allow_experimental_polyglot_dialect
	 implicit_select allow_introspection_functions allow_experimental_eval_table_function allow_experimental_ai_functions
	 allow_experimental_nlp_functions allow_python_table_function allow_fuzz_query_functions ast_fuzzer_runs ast_fuzzer_any_query
	 allow_unrestricted_reads_from_keeper allow_ddl compatibility cloud_mode make_distributed_plan serialize_query_plan
	 inject_random_order_for_select_without_order_by metrics_perf_events_enabled query_profiler_cpu_time_period_ns
	 query_profiler_real_time_period_ns trace_profile_events jemalloc_enable_profiler
	 jemalloc_collect_profile_samples_in_trace_log enable_job_stack_trace send_logs_level`,
}
