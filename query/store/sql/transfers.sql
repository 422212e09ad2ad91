SELECT
    $columns
FROM (
    SELECT project_id, conversation_id, toUInt32(ordinal - 1) AS previous, CAST(toString($value1), 'Nullable(String)') AS to_value, $label1 AS to_label
    FROM {projection:Identifier}.contacts FINAL
    WHERE $next AND ordinal > 1) AS next
RIGHT ANY JOIN (
    SELECT project_id, conversation_id, ordinal, $version AS version, $value1 AS from_value, $label1 AS from_label
    FROM {projection:Identifier}.contacts FINAL
    WHERE $where AND ending = 'TRANSFERRED') AS transferred
ON next.project_id = transferred.project_id AND next.conversation_id = transferred.conversation_id AND previous = ordinal
GROUP BY from_value, to_value
$end
