SELECT DISTINCT concat(user_name, ' ', table, ' ', column)
FROM system.grants
WHERE database = {database:String} AND access_type = 'SELECT' AND NOT is_partial_revoke
