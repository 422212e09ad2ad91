INSERT INTO $to.event_keys SELECT * FROM $from.event_keys WHERE sequence IN
(
    SELECT sequence FROM $from.events
    WHERE (toString($first), toString($second)) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
)
