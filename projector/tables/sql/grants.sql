SELECT DISTINCT concat(user_name, ' ', database, '.', table, ' ', column)
FROM system.grants
WHERE database IN {databases:Array(String)} AND access_type = 'SELECT' AND NOT is_partial_revoke
