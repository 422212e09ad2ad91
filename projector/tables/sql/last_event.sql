SELECT max(sequence) FROM $projection.events
