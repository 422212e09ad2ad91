-- Conversations whose numbers of contacts differ from the rows of contacts, and contacts without a conversation.
SELECT count() FROM (
    SELECT project_id, conversation_id, sum(contacts) AS contacts, sum(snoozes) AS snoozes, sum(transfers) AS transfers, sum(rows) AS rows
    FROM (
        SELECT project_id, conversation_id, toInt64(contact_count) AS contacts, toInt64(snooze_count) AS snoozes, toInt64(transfer_count) AS transfers, 1 AS rows
        FROM parley.conversations
        UNION ALL
        SELECT project_id, conversation_id, -1, -toInt64(ifNull(ending = 'SNOOZED', 0)), -toInt64(ifNull(ending = 'TRANSFERRED', 0)), 0
        FROM parley.contacts)
    GROUP BY project_id, conversation_id
    HAVING contacts != 0 OR snoozes != 0 OR transfers != 0 OR rows != 1)
