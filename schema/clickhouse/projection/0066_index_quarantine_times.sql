ALTER TABLE $projection.quarantine
    MATERIALIZE INDEX received_at_range
