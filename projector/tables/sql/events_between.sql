SELECT sequence, original FROM $projection.events FINAL
WHERE sequence BETWEEN {from:UInt64} AND {to:UInt64}
ORDER BY sequence
