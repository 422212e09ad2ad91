INSERT INTO parley_meta.turns (turn, version, state) VALUES ($rank, $version, 'live')
