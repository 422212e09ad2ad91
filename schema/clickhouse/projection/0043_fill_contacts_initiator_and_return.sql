INSERT INTO $projection.contacts
SELECT contacts.* REPLACE (
    conversations.initiator AS _initiator,
    CAST(conversations.custom_data, 'Map(LowCardinality(String), LowCardinality(String))') AS _custom_data,
    conversations.returns[contacts.ordinal] AS _return_time_ms)
FROM $projection.contacts AS contacts FINAL
INNER JOIN
(
    SELECT
        project_id, conversation_id, initiator, custom_data,
        arrayFilter(n -> _marks.type[n] = 'parley.conversation.pushed.v1', arrayEnumerate(_marks.type)) AS pushes,
        arrayMap((n, next) -> if(next > 0 AND _marks.type[n + 1] = 'parley.conversation.snoozed.v1'
                AND NOT has(arraySlice(_marks.type, n + 1, next - n - 1), 'parley.conversation.closed.v1'),
            toUnixTimestamp64Milli(_marks.at[next]) - toUnixTimestamp64Milli(_marks.at[n + 1]), NULL),
            pushes, arraySlice(arrayPushBack(pushes, 0), 2, length(pushes))) AS returns
    FROM $projection.conversations FINAL
) AS conversations USING (project_id, conversation_id)
SETTINGS join_algorithm = 'grace_hash', join_use_nulls = 0
