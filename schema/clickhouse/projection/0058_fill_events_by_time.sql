INSERT INTO $projection.events_by_time (project_id, conversation_id, event_id, source, type, time, sequence, received_at)
SELECT project_id, conversation_id, event_id, source, type, time, sequence, received_at
FROM $projection.events
