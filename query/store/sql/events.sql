SELECT sequence, toUnixTimestamp64Milli(received_at), original
FROM {projection:Identifier}.events FINAL
WHERE $where
ORDER BY sequence
LIMIT {limit:UInt32}
