SELECT project_id, conversation_id, count(), countIf(ended_at IS NULL)
FROM {projection:Identifier}.contacts FINAL
PREWHERE $keys
GROUP BY project_id, conversation_id
