-- Of the tables that are read by ranges of their sorting keys; what is looked up by key reads few granules, merged or not.
SELECT name, sorting_key
FROM system.tables
WHERE database = {database:String} AND name IN ('contacts', 'conversations', 'customers', 'events_by_time', 'messages', 'transactions')
ORDER BY name
