DELETE FROM $projection.events
WHERE (project_id, conversation_id, sequence) IN
(
    SELECT arrayJoin(arrayZip({projects:Array(UInt32)}, {conversations:Array(String)}, {sequences:Array(UInt64)}))
)
