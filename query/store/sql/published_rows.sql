SELECT *
FROM $rows
