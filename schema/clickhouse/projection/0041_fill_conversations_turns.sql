ALTER TABLE $projection.conversations
    MATERIALIZE COLUMN _turns,
    MATERIALIZE COLUMN _snoozed
