ALTER TABLE $projection.messages
    ADD INDEX IF NOT EXISTS message_id_filter message_id TYPE bloom_filter(0.001) GRANULARITY 1
