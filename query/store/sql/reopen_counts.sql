SELECT project_id, conversation_id, reopen_count
FROM {projection:Identifier}.conversations FINAL
WHERE $where
