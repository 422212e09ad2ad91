RENAME TABLE IF EXISTS $projection.customers TO $projection.customers_by_creation
