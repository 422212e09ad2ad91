SELECT
    $columns
FROM {projection:Identifier}.transactions FINAL
WHERE $where
ORDER BY project_id, conversation_id, transaction_id
