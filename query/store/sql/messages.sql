SELECT $columns
FROM {projection:Identifier}.messages FINAL
WHERE $where
ORDER BY $order
LIMIT {limit:UInt32} BY project_id, conversation_id
