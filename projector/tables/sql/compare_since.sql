 AND (project_id, conversation_id) IN (SELECT project_id, conversation_id FROM $expected.events WHERE time >= fromUnixTimestamp64Milli({since:Int64}))
