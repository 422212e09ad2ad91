SELECT key, check, min(sequence)
FROM $projection.event_keys
WHERE key IN (SELECT key FROM wanted)
GROUP BY key, check
