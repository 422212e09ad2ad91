ALTER TABLE $projection.conversations
    ADD COLUMN IF NOT EXISTS _unattended Array(DateTime64(3, 'UTC'))
        COMMENT 'Times from which on it was open with an unanswered visitor message, each with the time from which on it no longer was, if there is one' AFTER _snoozed
