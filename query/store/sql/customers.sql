SELECT
    project_id, customer_id, type, channels, orders_count, order_counts, total_spent,
    toUnixTimestamp64Milli(created_at), toUnixTimestamp64Milli(updated_at), toUnixTimestamp64Milli(last_chat_at),
    external_id, first_name, last_name, email, phone, ip_address, ip_location
FROM {projection:Identifier}.customers FINAL
PREWHERE $keys
ORDER BY $order
LIMIT {limit:UInt32}
