(project_id, customer_id) NOT IN
    (
        SELECT project_id, customer_id FROM $found.customers WHERE _version > {upTo:UInt64}
        UNION DISTINCT SELECT project_id, customer_id FROM $expected.customers WHERE _version > {upTo:UInt64}
    )
    AND (empty({projects:Array(UInt32)}) OR project_id IN {projects:Array(UInt32)})
    AND updated_at >= fromUnixTimestamp64Milli({since:Int64})
