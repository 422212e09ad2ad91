WITH $value1 AS _value1, $label1 AS _label1, $value2 AS _value2, $label2 AS _label2, $value3 AS _value3, $label3 AS _label3
SELECT
    $columns
FROM (
    SELECT *, $members, $step AS _step$open
    FROM {projection:Identifier}.conversations FINAL
    WHERE $where)
$elements
GROUP BY $groups
$ordered
LIMIT {limit:UInt32}
$settings
