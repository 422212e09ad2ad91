SELECT
    $columns
FROM {projection:Identifier}.conversations FINAL
WHERE $where
ORDER BY project_id, _closed_key, conversation_id
