WITH (
    SELECT created_at
    FROM {projection:Identifier}.customers
    PREWHERE $near
    ORDER BY $order
    LIMIT 1 OFFSET 400
) AS edge
SELECT $columns
FROM {projection:Identifier}.customers FINAL
PREWHERE $keys
    AND $up_to
ORDER BY $order
LIMIT {limit:UInt32}
