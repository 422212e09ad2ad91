WITH parts AS
(
    SELECT part_name, min(tuple($key)) AS first, max(tuple($key)) AS last
    FROM mergeTreeIndex('$projection', '$table')
    GROUP BY part_name
)
SELECT
    (SELECT count() FROM parts) AS all_parts,
    (SELECT uniqExact(a.part_name) FROM parts AS a CROSS JOIN parts AS b WHERE a.part_name != b.part_name AND a.first <= b.last AND b.first <= a.last) AS overlapping
