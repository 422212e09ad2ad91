INSERT INTO parley_meta.turns (turn, version, state) SELECT 1, 1, 'live' SETTINGS insert_deduplicate = 1, insert_deduplication_token = '1'
