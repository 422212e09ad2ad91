SELECT max(sequence) FROM $projection.events WHERE sequence <= {until:UInt64}
