SELECT project_id, conversation_id, $id AS id, _version
FROM $projection.$table
WHERE conversation_id IN (SELECT conversation_id FROM wanted) AND (project_id, conversation_id) IN (SELECT project_id, conversation_id FROM wanted)
GROUP BY ALL
