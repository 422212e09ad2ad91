SELECT groupUniqArray(conversation_id) FROM
(
    SELECT conversation_id FROM $projection.conversations WHERE project_id = {project:UInt32} AND visitor_id = {visitor:String}
    UNION ALL
    SELECT conversation_id FROM $projection.visitors WHERE project_id = {project:UInt32} AND visitor_id = {visitor:String}
    UNION ALL
    SELECT conversation_id FROM $projection.customer_profiles WHERE project_id = {project:UInt32} AND customer_id = {visitor:String}
    UNION ALL
    SELECT conversation_id FROM $projection.messages WHERE project_id = {project:UInt32} AND author_kind = 'VISITOR' AND author_id = {visitor:String}
)
