RENAME TABLE IF EXISTS $projection.messages TO $projection.messages_by_conversation
