OPTIMIZE TABLE $projection.$table FINAL SETTINGS optimize_skip_merged_partitions = 1, max_execution_time = 0
