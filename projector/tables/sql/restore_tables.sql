RESTORE DATABASE $projection, DATABASE parley_meta FROM File('tables')
