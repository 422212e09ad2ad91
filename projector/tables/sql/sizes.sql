SELECT name, coalesce(active_parts, 0), coalesce(total_rows, 0), coalesce(total_bytes, 0)
FROM system.tables
WHERE database = {database:String} AND engine LIKE '%MergeTree'
