SELECT
    version,
    argMax(t.state, t.turn) AS latest,
    max(t.turn) AS since,
    argMax(t.maker, t.turn) AS made,
    argMax(t.reason, t.turn) AS why,
    countIf(t.state IN ('live', 'kept')) > 0 AS was_live
FROM parley_meta.turns AS t
GROUP BY version
ORDER BY version
