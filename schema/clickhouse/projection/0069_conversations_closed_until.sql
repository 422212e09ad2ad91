ALTER TABLE $projection.conversations
    ADD INDEX IF NOT EXISTS closed_until_range assumeNotNull(closed_at) TYPE minmax GRANULARITY 1 AFTER created_at_range
