GRANT SELECT($columns) ON $table TO $definer
