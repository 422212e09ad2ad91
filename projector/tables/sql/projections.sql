SELECT version, state, _version FROM parley_meta.projections FINAL ORDER BY version
