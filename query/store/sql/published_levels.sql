SELECT
    $columns
FROM (
$changes) AS changes
ARRAY JOIN arrayFilter(at -> at >= changed_in, {steps:Array(Int64)}) AS starts_at
GROUP BY $keys
ORDER BY $keys
