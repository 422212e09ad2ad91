GRANT SELECT($columns) ON $projection.$table TO $definer
