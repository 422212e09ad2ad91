SELECT name, startsWith(type, 'Map(') FROM system.columns
WHERE database = {database:String} AND table = {table:String} AND name NOT IN ('_version', '_deleted') AND default_kind != 'ALIAS'
ORDER BY position
