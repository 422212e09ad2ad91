INSERT INTO parley_meta.projections (version, state, _version)
SELECT version, state, {rank:UInt64}
FROM (SELECT 1) ARRAY JOIN {versions:Array(UInt32)} AS version, {states:Array(String)} AS state
