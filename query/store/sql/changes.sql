SELECT $version AS position, $columns
FROM {projection:Identifier}.$table FINAL
WHERE $where
ORDER BY $version
LIMIT {limit:UInt32} WITH TIES
