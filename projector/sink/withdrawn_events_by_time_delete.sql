DELETE FROM $projection.events_by_time
WHERE (project_id, time, sequence) IN
(
    SELECT arrayJoin(arrayZip({projects:Array(UInt32)}, arrayMap(at -> fromUnixTimestamp64Milli(at, 'UTC'), {times:Array(Int64)}), {sequences:Array(UInt64)}))
)
