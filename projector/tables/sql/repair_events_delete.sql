DELETE FROM $to.events
WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    AND sequence <= {upTo:UInt64}
    AND (sequence, cityHash64(event_id, source, type, time, received_at, original)) NOT IN
    (
        SELECT sequence, cityHash64(event_id, source, type, time, received_at, original) FROM $from.events
        WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    )
