WITH $value1 AS _value1, $label1 AS _label1, $value2 AS _value2, $label2 AS _label2, $value3 AS _value3, $label3 AS _label3
SELECT
    $columns
FROM (
    SELECT *, $members, arrayMap(at -> toUnixTimestamp64Milli(at), _unattended) AS _changes
    FROM {projection:Identifier}.conversations FINAL
    WHERE $where
        AND notEmpty(_unattended)
        AND $spans)
$elements
-- In the odd places the conversation becomes unattended, in the even ones it no longer is.
ARRAY JOIN _changes AS _change, arrayEnumerate(_changes) AS _place
WHERE _change < {to:Int64}
GROUP BY if(_change < {from:Int64}, toInt64(-1), $step) AS _step, _value1, _value2, _value3
LIMIT {limit:UInt32}
