ALTER TABLE $projection.conversations
    MATERIALIZE INDEX first_closed_at_values,
    MATERIALIZE INDEX satisfaction_answered_at_values
