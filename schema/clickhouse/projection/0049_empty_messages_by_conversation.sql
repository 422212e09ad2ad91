TRUNCATE TABLE IF EXISTS $projection.messages_by_conversation SYNC
