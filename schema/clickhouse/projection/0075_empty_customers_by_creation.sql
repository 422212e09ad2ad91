TRUNCATE TABLE IF EXISTS $projection.customers_by_creation SYNC
