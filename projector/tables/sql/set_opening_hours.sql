INSERT INTO parley_meta.opening_hours (projects, lanes, begins, ends, starts, lengths, sums, version)
