DROP TABLE IF EXISTS $projection.event_keys SYNC
