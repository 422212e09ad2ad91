SELECT min(sequence) FROM $projection.events WHERE sequence > {after:UInt64}
