DROP TABLE IF EXISTS $projection.customers_by_week SYNC
