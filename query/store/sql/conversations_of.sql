SELECT $columns
FROM {projection:Identifier}.conversations FINAL
WHERE (project_id, visitor_id, conversation_id) IN (
    SELECT project_id, customer_id, conversation_id
    FROM {projection:Identifier}.customer_conversations FINAL
    PREWHERE $keys
    WHERE $places
    ORDER BY $order
    LIMIT {limit:UInt32} BY project_id, customer_id)
ORDER BY $order
