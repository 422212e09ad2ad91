INSERT INTO $to.event_hashes SELECT * FROM $from.event_hashes FINAL
WHERE sequence <= {position:UInt64} AND sequence NOT IN
(
    SELECT sequence FROM $from.events
    WHERE project_id = {project:UInt32} AND conversation_id IN {conversations:Array(String)}
)
