INSERT INTO $to.event_hashes SELECT * FROM $from.event_hashes WHERE sequence IN
(
    SELECT sequence FROM $from.events
    WHERE (toString($first), toString($second)) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
)
