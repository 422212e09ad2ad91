INSERT INTO parley_meta.projections (version, state, _version) VALUES ($version, 'live', $rank)
