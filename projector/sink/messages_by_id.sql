SELECT project_id, conversation_id, message_id, contact_id, sent_at, author_kind, author_id, automatic, read_at, deleted_at, _position, _version
FROM $projection.messages
WHERE (project_id, conversation_id, message_id) IN (SELECT project_id, conversation_id, message_id FROM wanted)
