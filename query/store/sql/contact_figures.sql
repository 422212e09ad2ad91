SELECT
    $columns
FROM (
    SELECT *, $step AS _step, $first AS _first, $second AS _second
    FROM {projection:Identifier}.contacts FINAL
    WHERE $where)
GROUP BY _step, _first.1, _second.1
LIMIT {limit:UInt32}
