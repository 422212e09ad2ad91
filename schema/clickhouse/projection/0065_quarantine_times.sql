ALTER TABLE $projection.quarantine
    ADD INDEX IF NOT EXISTS received_at_range received_at TYPE minmax GRANULARITY 1
