WITH $value1 AS _value1, $label1 AS _label1, $value2 AS _value2, $label2 AS _label2, $value3 AS _value3, $label3 AS _label3
SELECT
    $columns
FROM (
    SELECT
        *,
        -- Most conversations are closed once: their marks say no more than closed_at.
        $plain AS _plain,
        if(_plain, [], _marks.at) AS _marks_at,
        arrayMap(type -> transform(toString(type),
            ['parley.conversation.pushed.v1', 'parley.conversation.closed.v1', 'parley.conversation.snoozed.v1'],
            [1, 2, 3], 0), if(_plain, [], _marks.type)) AS _codes,
        arraySlice(arrayPushFront(_codes, 0), 1, length(_codes)) AS _codes_before,
        arrayFilter((n, code, before) -> code = 1 OR code = 2 OR (code = 3 AND before = 1), arrayEnumerate(_codes), _codes, _codes_before) AS _turns,
        arrayMap(n -> _codes[n], _turns) AS _types,
        arraySlice(arrayPushFront(_types, 0), 1, length(_types)) AS _types_before,
        arrayMap((n, type, before, place) -> (
            toUnixTimestamp64Milli(_marks_at[n]),
            toInt8(type = 2 AND before != 2),
            toInt8(type = 2 AND place = indexOf(_types, 2)),
            toInt8(type = 1 AND before = 2),
            toInt8(type = 3) - toInt8(before = 3)), _turns, _types, _types_before, arrayEnumerate(_types)) AS _changes_of_marks,
        arrayConcat(
            [(toUnixTimestamp64Milli(created_at), toInt8(0), toInt8(0), toInt8(0), toInt16(0))],
            if(_plain AND closed_at IS NOT NULL, [(toUnixTimestamp64Milli(assumeNotNull(closed_at)), toInt8(1), toInt8(1), toInt8(0), toInt16(0))], []),
            _changes_of_marks) AS _changes
    FROM {projection:Identifier}.conversations FINAL
    WHERE $where)
$elements
ARRAY JOIN _changes AS _change, arrayEnumerate(_changes) AS _place
WHERE _change.1 < {to:Int64}
GROUP BY if(_change.1 < {from:Int64}, toInt64(-1), $step) AS _step, _value1, _value2, _value3
LIMIT {limit:UInt32}
