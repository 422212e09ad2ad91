SELECT DISTINCT project_id, conversation_id
FROM {projection:Identifier}.conversations
WHERE $where
LIMIT {limit:UInt32}
