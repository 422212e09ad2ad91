WITH $value1 AS _value1, $label1 AS _label1, $value2 AS _value2, $label2 AS _label2, $value3 AS _value3, $label3 AS _label3
SELECT
    $columns
FROM (
    SELECT
        *, $members,
        -- In the places 1 and 2 the creation and the last close, then closes and reopenings in turns, then snoozes and their ends.
        arrayMap(at -> toUnixTimestamp64Milli(at), arrayConcat([created_at, ifNull(closed_at, fromUnixTimestamp64Milli({to:Int64}, 'UTC'))], _turns$snoozed)) AS _changes,
        length(_turns) AS _turned
    FROM {projection:Identifier}.conversations FINAL
    WHERE $where)
$elements
ARRAY JOIN _changes AS _change, arrayEnumerate(_changes) AS _place
WHERE _change < {to:Int64}
GROUP BY if(_change < {from:Int64}, toInt64(-1), $step) AS _step, _value1, _value2, _value3
LIMIT {limit:UInt32}
