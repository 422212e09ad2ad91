SELECT count() FROM $projection.event_hashes
