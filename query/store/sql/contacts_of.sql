SELECT $columns
FROM {projection:Identifier}.contacts FINAL
PREWHERE $keys
ORDER BY project_id, conversation_id, ordinal
