SELECT key FROM $projection.event_hashes
