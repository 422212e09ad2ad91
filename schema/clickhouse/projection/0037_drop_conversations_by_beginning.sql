DROP TABLE IF EXISTS $projection.conversations_by_beginning SYNC
