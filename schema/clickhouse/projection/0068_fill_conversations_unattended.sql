INSERT INTO $projection.conversations
WITH
    arrayConcat(conversations._turns, if(isNull(conversations.closed_at), [], [assumeNotNull(conversations.closed_at)])) AS closings,
    arraySort(arrayConcat(
        [(conversations.created_at, toInt64(1), toInt64(0))],
        arrayMap((at, n) -> (at, toInt64(if(n % 2 = 1, -1, 1)), toInt64(0)), closings, arrayEnumerate(closings)),
        arrayMap((m, before) -> (m.2, toInt64(0), m.3 - before), messages.sent, arrayPopBack(arrayPushFront(arrayMap(m -> m.3, messages.sent), toInt64(0)))))) AS changes,
    arrayMap(c -> c.1, changes) AS times,
    arrayMap((at, opened, asked) -> (at, opened > 0 AND asked > 0),
        times, arrayCumSum(arrayMap(c -> c.2, changes)), arrayCumSum(arrayMap(c -> c.3, changes))) AS states,
    arrayFilter((s, n) -> n = length(times) OR times[n + 1] != s.1, states, arrayEnumerate(states)) AS settled
SELECT conversations.* REPLACE (
    arrayMap(s -> s.1, arrayFilter((s, before) -> s.2 != before, settled, arrayPopBack(arrayPushFront(arrayMap(s -> s.2, settled), false)))) AS _unattended)
FROM $projection.conversations AS conversations FINAL
INNER JOIN
(
    SELECT project_id, conversation_id, arraySort(groupArray((_position, sent_at, toInt64(author_kind = 'VISITOR')))) AS sent
    FROM $projection.messages FINAL
    WHERE author_kind = 'VISITOR' OR NOT automatic
    GROUP BY project_id, conversation_id
    HAVING countIf(author_kind = 'VISITOR') > 0
) AS messages USING (project_id, conversation_id)
SETTINGS join_algorithm = 'grace_hash', join_use_nulls = 0
