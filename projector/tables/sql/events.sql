SELECT sequence, received_at, original FROM $projection.events FINAL
WHERE sequence > {after:UInt64}
ORDER BY sequence
