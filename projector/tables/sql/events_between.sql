SELECT sequence, original FROM (
    SELECT sequence, original FROM $projection.events FINAL
    WHERE sequence BETWEEN {from:UInt64} AND {to:UInt64}
    UNION ALL
    SELECT sequence, original FROM $projection.quarantine FINAL
    WHERE log = 'events' AND sequence BETWEEN {from:UInt64} AND {to:UInt64}
)
ORDER BY sequence
