SELECT project_id, conversation_id, sequence, received_at, original
FROM $projection.events
WHERE (project_id, conversation_id) IN (SELECT project_id, conversation_id FROM wanted)
