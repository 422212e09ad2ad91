INSERT INTO $projection.positions (log, sequence) SELECT {log:String}, {sequence:UInt64}
