INSERT INTO $projection.$table ($columns)
