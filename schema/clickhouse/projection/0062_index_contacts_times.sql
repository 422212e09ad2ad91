ALTER TABLE $projection.contacts
    MATERIALIZE INDEX ended_at_values
