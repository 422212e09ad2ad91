INSERT INTO $projection.quarantine (log, sequence, received_at, reason, detail, original, _version, _deleted)
SELECT {log:String}, sequence, fromUnixTimestamp64Milli(0), '', '', '', 2, 1
FROM (SELECT 1) ARRAY JOIN {sequences:Array(UInt64)} AS sequence
