ALTER TABLE $projection.contacts
    ADD INDEX IF NOT EXISTS ended_at_values ended_at TYPE set(0) GRANULARITY 1
