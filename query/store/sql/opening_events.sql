SELECT sequence, toUnixTimestamp64Milli(received_at), original
FROM {projection:Identifier}.events FINAL
PREWHERE $keys
WHERE type = 'parley.conversation.opened.v1'
ORDER BY sequence
LIMIT {limit:UInt32}
