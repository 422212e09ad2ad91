INSERT INTO $projection.event_hashes (key, check, sequence)
SELECT reinterpretAsUInt64(substring(hash, 1, 8)), reinterpretAsUInt64(substring(hash, 9, 8)), sequence
FROM
(
    SELECT
        SHA256(concat(reinterpretAsFixedString(project_id), reinterpretAsFixedString(toUInt32(length(source))), source, event_id))::String AS hash,
        sequence
    FROM $projection.events
)
