DELETE FROM $to.event_hashes WHERE sequence IN
(
    SELECT sequence FROM $to.events
    WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
        AND sequence <= {upTo:UInt64}
        AND sequence NOT IN (SELECT sequence FROM $from.events WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)}))))
)
