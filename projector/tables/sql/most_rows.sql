SELECT ifNull(max(total_rows), 0) FROM system.tables WHERE database = {database:String}
