SELECT project_id, conversation_id, sequence, received_at, original
FROM $projection.events
PREWHERE project_id = {project:UInt32} AND conversation_id = {conversation:String} AND sequence > {after:UInt64} AND sequence <= {upTo:UInt64}
    AND toUnixTimestamp64Milli(time) > {later:Int64} AND toUnixTimestamp64Milli(time) <= {until:Int64}
ORDER BY sequence
LIMIT {most:UInt64}
