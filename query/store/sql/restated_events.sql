SELECT project_id, conversation_id, type, moved, released, count()
FROM (
    SELECT
        project_id, conversation_id, type,
        toUInt64OrZero(JSONExtractString(original, 'parleyorigin')) AS origin,
        if(sequence > {until:UInt64} AND origin > 0, origin, sequence) AS position,
        origin > 0 AND origin <= {since:UInt64} AS moved,
        JSONExtractString(original, 'parleyreleased') = 'true' AS released
    FROM {projection:Identifier}.events FINAL
    PREWHERE $where
        AND (project_id, conversation_id) IN (SELECT project_id, conversation_id FROM restated)
        AND sequence > {since:UInt64})
WHERE position > {since:UInt64} AND position <= {until:UInt64}
GROUP BY project_id, conversation_id, type, moved, released
