INSERT INTO $projection.transactions_by_beginning
(
    project_id, conversation_id, transaction_id, external_conversion_id, amount, currency, received_at, source, attributed_to_id,
    _began_at, _version
)
SELECT
    transactions.project_id, transactions.conversation_id, transactions.transaction_id, transactions.external_conversion_id,
    transactions.amount, transactions.currency, transactions.received_at, transactions.source, transactions.attributed_to_id,
    conversations._began_at, transactions._version
FROM $projection.transactions_by_conversation AS transactions FINAL
INNER JOIN
(
    SELECT project_id, conversation_id, _began_at FROM $projection.conversations FINAL
) AS conversations USING (project_id, conversation_id)
SETTINGS join_algorithm = 'grace_hash', join_use_nulls = 0, max_threads = 2, max_block_size = 8192,
    max_insert_threads = 1, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864
