SELECT key FROM $projection.event_keys
