SELECT sequence FROM $projection.events
WHERE project_id = {project:UInt32} AND conversation_id IN {conversations:Array(String)}
