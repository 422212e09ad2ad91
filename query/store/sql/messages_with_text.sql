SELECT $columns
FROM (
    SELECT *
    FROM {projection:Identifier}.messages FINAL
    PREWHERE $keys
    WHERE $where
    ORDER BY $order
    LIMIT {limit:UInt32} BY project_id, conversation_id) AS messages
LEFT JOIN (
    SELECT project_id, conversation_id, message_id, toNullable(text) AS text
    FROM {projection:Identifier}.message_texts FINAL
    PREWHERE $texts) AS texts USING (project_id, conversation_id, message_id)
ORDER BY $order
