SELECT $columns
FROM {projection:Identifier}.conversations FINAL
WHERE (project_id, _began_at, conversation_id) IN (
    SELECT project_id, _began_at, conversation_id
    FROM {projection:Identifier}.conversations FINAL
    WHERE $where
    ORDER BY $order
    LIMIT {limit:UInt32})
ORDER BY $order
$settings
