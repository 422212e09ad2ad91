SELECT max(sequence) FROM $projection.quarantine FINAL WHERE log = 'rejected' AND sequence <= {until:UInt64}
