SELECT count()
FROM {projection:Identifier}.conversations FINAL
WHERE project_id = {project:UInt32} AND conversation_id = {conversation:String}
