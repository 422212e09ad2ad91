SELECT toUInt64(bucket), countIf(wanted), countIf(wanted) != countIf(NOT wanted) OR sumIf(hash, wanted) != sumIf(hash, NOT wanted)
FROM ($rows) GROUP BY bucket ORDER BY bucket
