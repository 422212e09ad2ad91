SELECT max(sequence) FROM $projection.positions WHERE log = {log:String}
