RENAME TABLE IF EXISTS $projection.conversations_by_beginning TO $projection.conversations
