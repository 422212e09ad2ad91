RENAME TABLE IF EXISTS $projection.customers_by_week TO $projection.customers
