SELECT
    $columns
FROM (
    SELECT
        _value1,
        argMax(_label1, _version) AS _label,
        arraySort(arrayConcat(
            groupArray((_from, toInt64(1), _starts)),
            groupArray((_until, toInt64(-1), false)),
            arrayMap(step -> (step, toInt64(0), false), $steps))) AS _changes,
        arrayCumSum(_changes.2) AS _levels,
        arrayPushBack(arrayPopFront(_changes.1), {to:Int64}) AS _ends
    FROM (
        SELECT
            CAST(toString($value1), 'Nullable(String)') AS _value1,
            $label1 AS _label1,
            _version,
            greatest(toUnixTimestamp64Milli(started_at), {from:Int64}) AS _from,
            greatest(_from, least(ifNull(toUnixTimestamp64Milli(ended_at), {now:Int64}), {to:Int64})) AS _until,
            toUnixTimestamp64Milli(started_at) >= {from:Int64} AS _starts
        FROM {projection:Identifier}.contacts FINAL
        WHERE $where)
    GROUP BY _value1
    LIMIT {values:UInt32})
ARRAY JOIN _changes AS _change, _levels AS _level, _ends AS _end
GROUP BY _value1, _label, roundDown(_change.1, $steps) AS _step
LIMIT {limit:UInt32}
