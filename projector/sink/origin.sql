SELECT any(log_identity), any(checksum) FROM $projection.positions FINAL WHERE log = {log:String}
