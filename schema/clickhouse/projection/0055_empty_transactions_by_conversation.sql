TRUNCATE TABLE IF EXISTS $projection.transactions_by_conversation SYNC
