SELECT
    $columns
FROM $table
WHERE $where
