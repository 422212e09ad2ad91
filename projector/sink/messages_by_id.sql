SELECT project_id, conversation_id, message_id, contact_id, sent_at, author_kind, author_id, automatic, read_at, deleted_at, _position, _version
FROM $projection.messages
WHERE conversation_id IN (SELECT conversation_id FROM wanted) AND (project_id, conversation_id, message_id) IN (SELECT project_id, conversation_id, message_id FROM wanted)
