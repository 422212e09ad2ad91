INSERT INTO $to.event_hashes SELECT * FROM $from.event_hashes WHERE sequence <= {upTo:UInt64} AND sequence IN
(
    SELECT sequence FROM $from.events
    WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
)
