INSERT INTO parley_meta.projections (version, state, _version) SELECT 1, 'live', 1
