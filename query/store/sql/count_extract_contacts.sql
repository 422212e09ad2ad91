SELECT count()
FROM {projection:Identifier}.contacts FINAL
WHERE $where
