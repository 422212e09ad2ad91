ALTER TABLE $projection.messages
    MATERIALIZE INDEX message_id_filter
