SELECT sequence, toUnixTimestamp64Milli(received_at), original
FROM {projection:Identifier}.events FINAL
PREWHERE $keys
WHERE type = 'parley.message.sent.v1'
    AND time >= fromUnixTimestamp64Milli({from:Int64})
    AND JSONExtractString(original, 'data', 'messageId') IN {ids:Array(String)}
ORDER BY sequence
