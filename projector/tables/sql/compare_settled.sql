(project_id, conversation_id) NOT IN ($moved)
    AND (empty({projects:Array(UInt32)}) OR project_id IN {projects:Array(UInt32)})
