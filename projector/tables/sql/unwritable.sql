SELECT sequence FROM $projection.quarantine FINAL WHERE log = 'events' AND reason = 'UNWRITABLE'
