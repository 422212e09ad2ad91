BACKUP DATABASE parley_meta, DATABASE $projection EXCEPT TABLES positions TO File('tables')
