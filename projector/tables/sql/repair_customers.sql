INSERT INTO $to.customers
SELECT * REPLACE ({upTo:UInt64} AS _version) FROM $from.customers FINAL
WHERE (toString(project_id), customer_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
UNION ALL
SELECT * REPLACE ({upTo:UInt64} AS _version, 1 AS _deleted) FROM $to.customers FINAL
WHERE (toString(project_id), customer_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    AND (created_at, project_id, customer_id) NOT IN
    (
        SELECT created_at, project_id, customer_id FROM $from.customers FINAL
        WHERE (toString(project_id), customer_id) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))
    )
