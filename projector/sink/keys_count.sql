SELECT count() FROM $projection.event_keys
