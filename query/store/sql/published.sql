SELECT
    $columns
FROM $table
$elements
WHERE $where
GROUP BY $keys
ORDER BY $keys
