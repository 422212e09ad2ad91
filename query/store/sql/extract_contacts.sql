SELECT
    $columns
FROM {projection:Identifier}.contacts FINAL
WHERE $where
ORDER BY project_id, started_at, conversation_id, contact_id
