INSERT INTO $projection.customers_by_week
(
    project_id, customer_id, type, channels, conversation_count, orders_count, order_counts, total_spent, created_at, updated_at,
    last_chat_at, external_id, first_name, last_name, email, phone, notes, ip_address, ip_location, custom_data, event_count,
    first_sequence, last_sequence, _version, _deleted
)
SELECT
    project_id, customer_id, type, channels, conversation_count, orders_count, order_counts, total_spent, created_at, updated_at,
    last_chat_at, external_id, first_name, last_name, email, phone, notes, ip_address, ip_location, custom_data, event_count,
    first_sequence, last_sequence, _version, _deleted
FROM $projection.customers_by_creation FINAL
SETTINGS max_threads = 2, max_block_size = 8192,
    max_insert_threads = 1, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864
