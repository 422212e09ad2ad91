TRUNCATE TABLE IF EXISTS $projection.conversations_by_closing SYNC
