-- Keys with more than one row.
SELECT count() FROM (SELECT $key FROM $table GROUP BY $key HAVING count() > 1)
