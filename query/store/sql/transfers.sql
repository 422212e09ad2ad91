SELECT
    $columns
FROM (
    SELECT
        project_id, conversation_id, ordinal, _version,
        CAST(toString($value1), 'Nullable(String)') AS _value1, $label1 AS _label1
    FROM {projection:Identifier}.contacts FINAL
    WHERE $where AND ending = 'TRANSFERRED') AS transferred
LEFT ANY JOIN (
    SELECT
        project_id, conversation_id, toUInt32(ordinal - 1) AS ordinal,
        CAST(toString($value1), 'Nullable(String)') AS _value2, $label1 AS _label2
    FROM {projection:Identifier}.contacts FINAL
    WHERE (project_id, conversation_id) IN (
        SELECT project_id, conversation_id
        FROM {projection:Identifier}.contacts FINAL
        WHERE $where AND ending = 'TRANSFERRED')) AS next
USING (project_id, conversation_id, ordinal)
GROUP BY _value1, _value2
LIMIT {limit:UInt32}
