SELECT version
FROM parley_meta.turns
GROUP BY version
HAVING argMax(state, turn) = 'live'
ORDER BY max(turn) DESC, version DESC
LIMIT 1
