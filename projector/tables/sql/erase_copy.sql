INSERT INTO $to.$table SELECT * FROM $from.$table FINAL
WHERE NOT (project_id = {project:UInt32} AND conversation_id IN {conversations:Array(String)})
