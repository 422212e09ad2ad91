SELECT key, check, min(sequence)
FROM $projection.event_hashes
WHERE key IN (SELECT key FROM wanted)
GROUP BY key, check
