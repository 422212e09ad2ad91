SELECT max(last) FROM (
    SELECT max(sequence) AS last FROM $projection.events WHERE sequence <= {until:UInt64}
    UNION ALL
    SELECT max(sequence) AS last FROM $projection.quarantine FINAL WHERE log = 'events' AND sequence <= {until:UInt64}
)
