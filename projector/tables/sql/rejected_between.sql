SELECT sequence, received_at, reason, detail, source, event_id, original
FROM $projection.quarantine FINAL
WHERE log = 'rejected' AND sequence BETWEEN {from:UInt64} AND {to:UInt64}
ORDER BY sequence
