INSERT INTO $projection.customers
(
    project_id, customer_id, type, channels, conversation_count, orders_count, order_counts, total_spent, created_at, updated_at, last_chat_at,
    external_id, first_name, last_name, email, phone, notes, ip_address, ip_location, custom_data,
    event_count, first_sequence, last_sequence, _version, _deleted
)
SELECT
    1 + number % 3, concat('v-', toString(number)), 'CUSTOMER', ['CHAT', 'EMAIL'], 2, 1, map('EUR', 1), map('EUR', 12.5),
    toDateTime64('2025-01-01', 3, 'UTC') + toIntervalSecond(cityHash64(number) % 31536000) AS at, at, at,
    concat('shop-', toString(number)), 'Ada', 'Lovelace', concat('ada', toString(number), '@example.org'), '+44 20 7946 0000', NULL, '192.0.2.1', 'London',
    map('plan', 'gold'), 10, number, number, number + 1, 0
FROM numbers($from, $count)
