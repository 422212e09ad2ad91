DELETE FROM $to.$table
WHERE (toString($first), toString($second)) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
