SELECT $columns
FROM {projection:Identifier}.messages FINAL
PREWHERE $keys
WHERE $where
ORDER BY $order
LIMIT {limit:UInt32} BY project_id, conversation_id
