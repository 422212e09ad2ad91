WITH $value1 AS _value1, $label1 AS _label1, $value2 AS _value2, $label2 AS _label2, $value3 AS _value3, $label3 AS _label3
SELECT
    $columns
FROM (
    SELECT
        *,
        arrayMap((at, n) -> (toUnixTimestamp64Milli(at), toInt64(if(n % 2 = 1, -1, 1)), toInt64(0)),
            arrayConcat(_turns, if(closed_at IS NULL, [], [assumeNotNull(closed_at)])) AS _times, arrayEnumerate(_times)) AS _openings,
        arrayMap(message -> message.3, _messages) AS _asked,
        arraySlice(arrayPushFront(_asked, toInt64(0)), 1, length(_asked)) AS _asked_before,
        arrayMap((message, before) -> (message.2, toInt64(0), message.3 - before), _messages, _asked_before) AS _waits,
        arraySort(arrayConcat([(toUnixTimestamp64Milli(created_at), toInt64(1), toInt64(0))], _openings, _waits)) AS _both,
        arrayMap((open, waiting) -> open * waiting, arrayCumSum(arrayMap(b -> b.2, _both)), arrayCumSum(arrayMap(b -> b.3, _both))) AS _unattended,
        arrayMap((b, now, before) -> (b.1, now - before),
            _both, _unattended, arraySlice(arrayPushFront(_unattended, toInt64(0)), 1, length(_unattended))) AS _changes
    FROM (
        SELECT *
        FROM {projection:Identifier}.conversations FINAL
        WHERE $where
            AND $spans) AS conversations
    INNER JOIN (
        SELECT
            project_id, conversation_id,
            arraySort(groupArray((_position, toUnixTimestamp64Milli(sent_at), toInt64(author_kind = 'VISITOR')))) AS _messages
        FROM {projection:Identifier}.messages FINAL
        WHERE (author_kind = 'VISITOR' OR NOT automatic) AND (project_id, conversation_id) IN (
            SELECT project_id, conversation_id
            FROM {projection:Identifier}.conversations FINAL
            WHERE $where
                AND $spans)
        GROUP BY project_id, conversation_id) AS messages
    USING (project_id, conversation_id))
$elements
ARRAY JOIN _changes AS _change
WHERE _change.1 < {to:Int64}
GROUP BY if(_change.1 < {from:Int64}, toInt64(-1), $step) AS _step, _value1, _value2, _value3
LIMIT {limit:UInt32}
