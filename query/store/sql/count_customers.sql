SELECT count()
FROM {projection:Identifier}.customers FINAL
PREWHERE $keys
