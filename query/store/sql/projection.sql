SELECT version
FROM parley_meta.projections FINAL
WHERE state = 'live'
ORDER BY changed_at DESC, version DESC
LIMIT 1
