SELECT $columns
FROM {projection:Identifier}.customers FINAL
PREWHERE $keys
LIMIT {limit:UInt32}
