DELETE FROM $projection.event_hashes
WHERE (key, check, sequence) IN (SELECT arrayJoin(arrayZip({keys:Array(UInt64)}, {checks:Array(UInt64)}, {sequences:Array(UInt64)})))
