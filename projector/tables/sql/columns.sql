SELECT c.table, t.comment, c.name, c.type, c.comment
FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.database = {database:String}
ORDER BY c.table, c.position
