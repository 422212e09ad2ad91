INSERT INTO $projection.conversations
SELECT conversations.* REPLACE (answers.answered_at AS satisfaction_answered_at)
FROM $projection.conversations AS conversations FINAL
INNER JOIN
(
    SELECT project_id, conversation_id, max(time) AS answered_at
    FROM $projection.events WHERE type = 'parley.satisfaction.answered.v1' GROUP BY project_id, conversation_id
) AS answers USING (project_id, conversation_id)
SETTINGS join_algorithm = 'grace_hash', max_threads = 2, max_block_size = 8192,
    max_insert_threads = 1, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864
