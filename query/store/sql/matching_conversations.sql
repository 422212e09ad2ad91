SELECT project_id, conversation_id, _version
FROM {projection:Identifier}.conversations FINAL
WHERE $where
