SELECT max(sequence)
FROM {projection:Identifier}.events
WHERE received_at <= fromUnixTimestamp64Milli({at:Int64}, 'UTC')
