SELECT count() FROM $projection.quarantine FINAL WHERE log = {log:String} AND reason = {reason:String}
