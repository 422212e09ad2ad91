SELECT log, sequence, received_at, reason, detail, source, event_id, length(original) AS bytes, if({originals:Bool}, original, '') AS bytes_themselves
FROM $projection.quarantine FINAL
WHERE ({log:String} = '' OR log = {log:String})
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({source:String} = '' OR source = {source:String})
    AND (empty({sequences:Array(UInt64)}) OR sequence IN {sequences:Array(UInt64)})
    AND received_at >= fromUnixTimestamp64Milli({since:Int64})
    AND received_at < fromUnixTimestamp64Milli({until:Int64})
ORDER BY received_at, log, sequence
LIMIT {limit:UInt64}
