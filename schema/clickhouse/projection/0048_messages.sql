RENAME TABLE IF EXISTS $projection.messages_by_beginning TO $projection.messages
