DELETE FROM $projection.$table
WHERE conversation_id IN {conversations:Array(String)} AND (project_id, conversation_id, $id, _version) IN
(
    SELECT arrayJoin(arrayZip({projects:Array(UInt32)}, {conversations:Array(String)}, {ids:Array(String)}, {versions:Array(UInt64)}))
)
