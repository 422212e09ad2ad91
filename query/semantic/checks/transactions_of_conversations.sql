-- Conversations whose number of transactions differs from the rows of transactions, and transactions without a conversation.
SELECT count() FROM (
    SELECT project_id, conversation_id, sum(transactions) AS transactions, sum(rows) AS rows
    FROM (
        SELECT project_id, conversation_id, toInt64(transaction_count) AS transactions, 1 AS rows FROM parley.conversations
        UNION ALL
        SELECT project_id, conversation_id, -1, 0 FROM parley.transactions)
    GROUP BY project_id, conversation_id
    HAVING transactions != 0 OR rows != 1)
