SELECT count(), countIf(ended_at IS NULL)
FROM {projection:Identifier}.contacts FINAL
PREWHERE $keys
