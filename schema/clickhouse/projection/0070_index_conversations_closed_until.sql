ALTER TABLE $projection.conversations
    MATERIALIZE INDEX closed_until_range
