SELECT $columns
FROM {projection:Identifier}.customers FINAL
PREWHERE $keys
ORDER BY $order
LIMIT {limit:UInt32}
