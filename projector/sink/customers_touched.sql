SELECT DISTINCT project_id, customer_id
FROM $projection.$table
WHERE _version > {after:UInt64} AND (project_id > {project:UInt32} OR project_id = {project:UInt32} AND customer_id > {customer:String})
ORDER BY project_id, customer_id
LIMIT {most:UInt32}
