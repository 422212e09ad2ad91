SELECT sequence, reason, original FROM $projection.quarantine FINAL WHERE log = {log:String} ORDER BY sequence
