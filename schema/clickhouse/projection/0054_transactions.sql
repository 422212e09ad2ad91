RENAME TABLE IF EXISTS $projection.transactions_by_beginning TO $projection.transactions
