SELECT project_id, conversation_id, message_id, contact_id, sent_at, author_kind, author_id, automatic, read_at, deleted_at, _position, _version
FROM $projection.messages FINAL
WHERE project_id = {project:UInt32} AND conversation_id = {conversation:String} AND _position >= {from:UInt32} AND _position < {to:UInt32}
