DROP TABLE IF EXISTS $projection.transactions_by_beginning SYNC
