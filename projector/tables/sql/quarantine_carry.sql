INSERT INTO $to.quarantine SELECT * FROM $from.quarantine FINAL WHERE log = 'events' AND sequence < {before:UInt64}
