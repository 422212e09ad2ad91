ALTER TABLE $projection.messages
    MATERIALIZE INDEX read_at_values,
    MATERIALIZE INDEX deleted_at_values
