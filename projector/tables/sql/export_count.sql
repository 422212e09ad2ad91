SELECT count() FROM $projection.events FINAL
WHERE sequence <= {until:UInt64} AND ({all:Bool} OR project_id IN {projects:Array(UInt32)})
