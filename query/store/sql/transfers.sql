SELECT
    $columns
FROM (
    SELECT sipHash128(project_id, conversation_id, toUInt32(ordinal - 1)) AS previous, CAST(toString($value1), 'Nullable(String)') AS to_value, $label1 AS to_label
    FROM {projection:Identifier}.contacts FINAL
    WHERE $next AND ordinal > 1) AS next
RIGHT ANY JOIN (
    SELECT sipHash128(project_id, conversation_id, ordinal) AS contact, $version AS version, $value1 AS from_value, $label1 AS from_label
    FROM {projection:Identifier}.contacts FINAL
    WHERE $where AND ending = 'TRANSFERRED') AS transferred
ON previous = contact
GROUP BY from_value, to_value
$end
