WITH bad AS ($differing ORDER BY $key LIMIT {limit:UInt64})
SELECT true, formatRowNoNewline('JSONEachRow', $columns) FROM $expected.$table FINAL WHERE ($key) IN bad
UNION ALL
SELECT false, formatRowNoNewline('JSONEachRow', $columns) FROM $found.$table FINAL WHERE ($key) IN bad
