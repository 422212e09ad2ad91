DELETE FROM $projection.customers
WHERE _version > {position:UInt64} AND (project_id, customer_id) IN
(
    SELECT arrayJoin(arrayZip({projects:Array(UInt32)}, {customers:Array(String)}))
)
