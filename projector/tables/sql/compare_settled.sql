(project_id, conversation_id) NOT IN
    (
        $moved
        UNION DISTINCT SELECT project_id, conversation_id FROM $found.$table WHERE $version > {upTo:UInt64}
        UNION DISTINCT SELECT project_id, conversation_id FROM $expected.$table WHERE $version > {upTo:UInt64}
    )
    AND (empty({projects:Array(UInt32)}) OR project_id IN {projects:Array(UInt32)})
