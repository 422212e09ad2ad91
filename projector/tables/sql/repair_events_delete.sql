DELETE FROM $to.$table
WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    AND sequence <= {upTo:UInt64}
    AND (sequence, cityHash64($values)) NOT IN
    (
        SELECT sequence, cityHash64($values) FROM $from.$table
        WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    )
