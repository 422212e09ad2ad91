SELECT
    $columns
FROM {projection:Identifier}.transactions FINAL
WHERE $where
ORDER BY toMonday(_began_at), project_id, _began_at, conversation_id, transaction_id
