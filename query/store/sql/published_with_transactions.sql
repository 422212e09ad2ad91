(
    SELECT *
    FROM $table
    LEFT JOIN (
        SELECT project_id, conversation_id, sumMap(map(currency, toUInt64(1))) AS transaction_counts
        FROM parley.transactions
        GROUP BY project_id, conversation_id) AS of_transactions
    USING (project_id, conversation_id)) AS conversations
