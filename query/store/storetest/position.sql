INSERT INTO $projection.positions (log, sequence) VALUES ('events', $sequence)
