SELECT sequence, received_at, project_id, conversation_id, event_id, source, type, time, original FROM $projection.events FINAL
WHERE sequence <= {until:UInt64} AND ({all:Bool} OR project_id IN {projects:Array(UInt32)})
ORDER BY sequence
FORMAT Parquet
