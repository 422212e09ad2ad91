SELECT
    $columns
FROM (
    SELECT $contact AS contact, CAST(toString($value1), 'Nullable(String)') AS to_value, $label1 AS to_label
    FROM {projection:Identifier}.contacts FINAL
    WHERE $next AND ordinal > 1) AS next
RIGHT ANY JOIN (
    SELECT $contact + 1 AS following, $version AS version, $value1 AS from_value, $label1 AS from_label
    FROM {projection:Identifier}.contacts FINAL
    WHERE $where AND ending = 'TRANSFERRED') AS transferred
ON contact = following
GROUP BY from_value, to_value
$end
