INSERT INTO $to.$table SELECT * FROM $from.$table FINAL
WHERE (toString($first), toString($second)) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
