SELECT sequence, toUnixTimestamp64Milli(received_at), original
FROM {projection:Identifier}.events FINAL
PREWHERE $keys
