INSERT INTO $projection.quarantine (log, sequence, received_at, reason, detail, source, event_id, original, _version, _deleted)
SELECT log, sequence, received_at, {released:String}, detail, source, event_id, original, _version + 1, 0
FROM $projection.quarantine FINAL
WHERE log = {log:String} AND sequence IN {sequences:Array(UInt64)}
