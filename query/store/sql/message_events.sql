SELECT sequence, toUnixTimestamp64Milli(received_at), original
FROM {projection:Identifier}.events FINAL
PREWHERE $keys
WHERE type = 'parley.message.sent.v1' AND JSONExtractString(original, 'data', 'messageId') = {message:String}
ORDER BY sequence DESC
LIMIT {limit:UInt32}
