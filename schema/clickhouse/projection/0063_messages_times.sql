ALTER TABLE $projection.messages
    ADD INDEX IF NOT EXISTS read_at_values read_at TYPE set(0) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS deleted_at_values deleted_at TYPE set(0) GRANULARITY 1
