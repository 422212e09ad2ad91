(SELECT * FROM {projection:Identifier}.$table LIMIT 0)
