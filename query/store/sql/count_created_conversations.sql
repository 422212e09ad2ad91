SELECT count()
FROM {projection:Identifier}.conversations FINAL
WHERE $where
$settings
