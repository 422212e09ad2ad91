RENAME TABLE IF EXISTS $projection.transactions TO $projection.transactions_by_conversation
