SELECT count()
FROM {projection:Identifier}.sellers FINAL
WHERE $where
