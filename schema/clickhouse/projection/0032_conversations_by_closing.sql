RENAME TABLE IF EXISTS $projection.conversations TO $projection.conversations_by_closing
