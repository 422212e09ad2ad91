SELECT project_id, conversation_id FROM $found.conversations WHERE _version > {upTo:UInt64}
UNION DISTINCT SELECT project_id, conversation_id FROM $expected.conversations WHERE _version > {upTo:UInt64}
UNION DISTINCT SELECT project_id, conversation_id FROM $found.events WHERE sequence > {upTo:UInt64}
UNION DISTINCT SELECT project_id, conversation_id FROM $expected.events WHERE sequence > {upTo:UInt64}
