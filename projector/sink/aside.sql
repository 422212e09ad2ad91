SELECT sequence, received_at, reason, original, _version FROM $projection.quarantine FINAL WHERE log = {log:String} ORDER BY sequence
