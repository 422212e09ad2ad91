INSERT INTO $projection.positions (log, sequence, log_identity)
SELECT {log:String}, {sequence:UInt64}, (SELECT any(log_identity) FROM $projection.positions FINAL WHERE log = {log:String})
