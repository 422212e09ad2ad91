SELECT $columns
FROM {projection:Identifier}.contacts FINAL
WHERE (project_id, started_at, conversation_id, contact_id) IN (
    SELECT project_id, started_at, conversation_id, contact_id
    FROM {projection:Identifier}.contacts FINAL
    WHERE $where
    ORDER BY $order
    LIMIT {limit:UInt32})
ORDER BY $order
