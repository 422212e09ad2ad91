INSERT INTO $projection.positions (log, sequence, log_identity)
SELECT log, sequence, {identity:String} FROM $projection.positions FINAL WHERE log = {log:String}
