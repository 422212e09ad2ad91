ALTER TABLE $projection.conversations
    ADD INDEX IF NOT EXISTS first_closed_at_values first_closed_at TYPE set(0) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS satisfaction_answered_at_values satisfaction_answered_at TYPE set(0) GRANULARITY 1
