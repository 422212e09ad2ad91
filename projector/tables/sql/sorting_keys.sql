SELECT name, sorting_key FROM system.tables WHERE database = {database:String} AND sorting_key != '' ORDER BY name
