SELECT project_id, conversation_id
FROM $projection.events
WHERE (project_id, conversation_id) IN (SELECT project_id, conversation_id FROM wanted)
GROUP BY project_id, conversation_id
HAVING count() > {most:UInt64}
