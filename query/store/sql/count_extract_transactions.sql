SELECT count()
FROM {projection:Identifier}.transactions FINAL
WHERE $where
