INSERT INTO $to.$table SELECT * FROM $from.$table FINAL
WHERE (toString(project_id), conversation_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    AND sequence <= {upTo:UInt64}
