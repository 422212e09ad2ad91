DROP TABLE IF EXISTS $projection.messages_by_beginning SYNC
