SELECT version
FROM parley_meta.projections FINAL
WHERE state = 'live'
ORDER BY _version DESC, version DESC
LIMIT 1
