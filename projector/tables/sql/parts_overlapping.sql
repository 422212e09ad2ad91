WITH
    granules AS
    (
        SELECT
            part_name,
            rows_in_granule,
            tuple($key) AS first,
            leadInFrame(first, 1, first) OVER (PARTITION BY part_name ORDER BY mark_number ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS last
        FROM mergeTreeIndex('$projection', '$table')
    ),
    (
        SELECT groupArray(part)
        FROM (SELECT (part_name, min(first), max(last)) AS part FROM granules GROUP BY part_name)
    ) AS parts
SELECT count(), countIf(overlaps), sum(part_rows), max(part_rows), sum(shared_rows)
FROM
(
    SELECT
        max(shared) AS overlaps,
        sum(rows_in_granule) AS part_rows,
        sumIf(rows_in_granule, shared) AS shared_rows
    FROM (SELECT *, arrayExists(p -> p.1 != part_name AND p.2 <= last AND first <= p.3, parts) AS shared FROM granules)
    GROUP BY part_name
)
