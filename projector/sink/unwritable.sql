SELECT sequence, ifNull(source, ''), ifNull(event_id, '')
FROM $projection.quarantine FINAL
WHERE log = {log:String} AND reason = {reason:String}
ORDER BY sequence DESC
LIMIT {most:UInt32}
