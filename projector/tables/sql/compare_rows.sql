SELECT $key, true AS wanted, cityHash64($key) % {buckets:UInt16} AS bucket, $hash AS hash FROM $expected.$table FINAL WHERE $settled
UNION ALL
SELECT $key, false AS wanted, cityHash64($key) % {buckets:UInt16} AS bucket, $hash AS hash FROM $found.$table FINAL WHERE $settled
