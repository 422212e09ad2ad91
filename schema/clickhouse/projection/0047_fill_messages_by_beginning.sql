INSERT INTO $projection.messages_by_beginning
(
    project_id, conversation_id, message_id, contact_id, sent_at, author_kind, author_id, automatic, read_at, deleted_at,
    _began_at, _position, _version
)
SELECT
    messages.project_id, messages.conversation_id, messages.message_id, messages.contact_id, messages.sent_at,
    messages.author_kind, messages.author_id, messages.automatic, messages.read_at, messages.deleted_at, conversations._began_at,
    messages._position, messages._version
FROM $projection.messages_by_conversation AS messages FINAL
INNER JOIN
(
    SELECT project_id, conversation_id, _began_at FROM $projection.conversations FINAL
) AS conversations USING (project_id, conversation_id)
SETTINGS join_algorithm = 'grace_hash', join_use_nulls = 0, max_threads = 2, max_block_size = 8192,
    max_insert_threads = 1, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864
