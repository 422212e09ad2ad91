SELECT *
FROM $table
WHERE $where
ORDER BY $order
