INSERT INTO parley_meta.turns (turn, version, state)
SELECT _version, version, state FROM parley_meta.projections FINAL ORDER BY version
SETTINGS insert_deduplicate = 1, insert_deduplication_token = 'projections'
