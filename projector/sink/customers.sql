INSERT INTO $projection.customers
(
    project_id, customer_id, type, channels, conversation_count, orders_count, order_counts, total_spent, created_at, updated_at, last_chat_at,
    external_id, first_name, last_name, email, phone, notes, ip_address, ip_location, custom_data,
    event_count, first_sequence, last_sequence, _version, _deleted
)
WITH touched AS
(
    SELECT project_id, customer_id FROM $projection.customer_conversations WHERE _version > {after:UInt64}
    UNION DISTINCT
    SELECT project_id, customer_id FROM $projection.customer_profiles WHERE _version > {after:UInt64}
    UNION DISTINCT
    SELECT named.1, named.2 FROM (SELECT arrayJoin(arrayZip({projects:Array(UInt32)}, {customers:Array(String)})) AS named)
)
SELECT
    project_id, customer_id,
    multiIf(
        profile_type IS NOT NULL, assumeNotNull(profile_type),
        external_id IS NOT NULL OR orders_count > 0, 'CUSTOMER',
        first_name IS NOT NULL OR last_name IS NOT NULL OR email IS NOT NULL OR phone IS NOT NULL, 'GUEST',
        'VISITOR'),
    arrayMap(first -> first.2, arraySort(arrayZip(mapValues(first_used), mapKeys(first_used)))),
    conversation_count, orders_count, ordered, spent, place.1, updated, last_chat,
    if(has(removed, 'externalId'), NULL, given_external_id) AS external_id,
    if(has(removed, 'firstName'), NULL, given_first_name) AS first_name,
    if(has(removed, 'lastName'), NULL, given_last_name) AS last_name,
    if(has(removed, 'email'), NULL, given_email) AS email,
    if(has(removed, 'phone'), NULL, given_phone) AS phone,
    given_notes,
    if(has(removed, 'ipAddress'), NULL, given_ip_address),
    if(has(removed, 'ipLocation'), NULL, given_ip_location),
    given_custom_data, events, lowest, highest, {position:UInt64}, place.2
FROM
(
    SELECT
        project_id, customer_id,
        countIf(source > 0) AS sources,
        toUInt32(countIf(source = 1)) AS conversation_count,
        toUInt32(sum(orders)) AS orders_count,
        sumMap(order_counts) AS ordered,
        sumMap(total_spent) AS spent,
        minMap(used) AS first_used,
        if(conversation_count > 0, minIf(created_at, source = 1), minIf(created_at, source = 2)) AS created,
        groupArrayIf(created_at, source = 0) AS standing,
        max(updated_at) AS updated,
        max(last_chat_at) AS last_chat,
        argMax(external_id, rank) AS given_external_id,
        argMax(first_name, rank) AS given_first_name,
        argMax(last_name, rank) AS given_last_name,
        argMax(email, rank) AS given_email,
        argMax(phone, rank) AS given_phone,
        argMax(notes, rank) AS given_notes,
        argMax(type, rank) AS profile_type,
        argMax(ip_address, rank) AS given_ip_address,
        argMax(ip_location, rank) AS given_ip_location,
        argMax(custom_data, rank) AS given_custom_data,
        argMax(cleared, rank) AS removed,
        toUInt32(sum(event_count)) AS events,
        minIf(first_sequence, source > 0) AS lowest,
        max(last_sequence) AS highest
    FROM
    (
        SELECT
            project_id, customer_id, 1 AS source, (1, created_at, conversation_id) AS rank, created_at, updated_at, last_chat_at,
            if(channel = 'UNKNOWN', map(), map(toString(channel), created_at))::Map(String, DateTime64(3, 'UTC')) AS used,
            orders_count AS orders, order_counts, total_spent, external_id, first_name, last_name, email, phone, ip_address, ip_location,
            NULL::Nullable(String) AS notes, NULL::Nullable(String) AS type, map()::Map(String, String) AS custom_data,
            []::Array(String) AS cleared, event_count, first_sequence, last_sequence
        FROM $projection.customer_conversations FINAL
        WHERE (project_id, customer_id) IN touched
        UNION ALL
        SELECT
            project_id, customer_id, 2, (2, created_at, ''), created_at, updated_at, NULL, map()::Map(String, DateTime64(3, 'UTC')),
            0, map()::Map(LowCardinality(String), UInt32), map()::Map(LowCardinality(String), Decimal(38, 4)), external_id, first_name, last_name, email, phone, ip_address, ip_location,
            notes, type, custom_data, cleared, event_count, first_sequence, last_sequence
        FROM $projection.customer_profiles FINAL
        WHERE (project_id, customer_id) IN touched
        UNION ALL
        SELECT
            project_id, customer_id, 0, (0, created_at, ''), created_at, toDateTime64(0, 3, 'UTC'), NULL,
            map()::Map(String, DateTime64(3, 'UTC')), 0, map()::Map(LowCardinality(String), UInt32), map()::Map(LowCardinality(String), Decimal(38, 4)),
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, map()::Map(String, String), []::Array(String), 0, 0, 0
        FROM $projection.customers FINAL
        PREWHERE customer_id IN (SELECT customer_id FROM touched) AND (project_id, customer_id) IN touched
    )
    GROUP BY project_id, customer_id
)
ARRAY JOIN arrayConcat(
    if(sources = 0, [], [(created, 0)]),
    arrayMap(at -> (at, 1), arrayFilter(at -> at != created OR sources = 0, standing))) AS place -- the row, and old places of it
SETTINGS max_bytes_before_external_group_by = 268435456
