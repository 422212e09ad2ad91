INSERT INTO $projection.conversations (* EXCEPT(_turns, _snoozed))
SELECT
    1 + n % 5 AS project_id,
    concat(substring(h, 1, 8), '-', substring(h, 9, 4), '-4', substring(h, 14, 3), '-8', substring(h, 18, 3), '-', substring(h, 21, 12)) AS conversation_id,
    fromUnixTimestamp64Milli(created, 'UTC') AS created_at,
    if(n % 20 = 0, NULL, fromUnixTimestamp64Milli(closed, 'UTC')) AS closed_at,
    closed_at AS first_closed_at,
    if(n % 20 = 0, NULL, closed - created) AS duration_ms,
    ['CHAT', 'EMAIL', 'SMS', 'WHATSAPP'][1 + r % 4] AS channel,
    ['en', 'fr', 'de'][1 + intDiv(r, 4) % 3] AS language,
    'VISITOR' AS initiator,
    concat('v', toString(n % 50000)) AS visitor_id,
    if(r % 3 = 0, 'spring', NULL) AS campaign_id,
    if(r % 3 = 0, 'Spring', NULL) AS campaign_name,
    map('page', '/checkout', 'cart', '12.50') AS custom_data,
    contacts AS contact_count,
    r % 2 AS snooze_count,
    r % 3 = 1 AS transfer_count,
    r % 9 = 0 AS reopen_count,
    0 AS anomaly_count,
    r % 5 > 0 AS answered,
    r % 5 > 1 AS answered_by_human,
    if(contacts = 0, NULL, 'NOT_AUTOMATED') AS automation_level,
    contacts = 0 AS abandoned,
    if(r % 4 = 0, NULL, r % 600000) AS first_response_time_ms,
    closed - created - 1000 AS resolution_time_ms,
    closed - created - 1000 AS first_resolution_time_ms,
    intDiv(closed - created, 2) AS handle_time_ms,
    intDiv(closed - created, 2) AS human_handle_time_ms,
    0 AS snooze_time_ms,
    4 AS visitor_message_count,
    3 AS operator_message_count,
    if(r % 3 = 0, 1 + r % 5, NULL) AS customer_satisfaction,
    if(r % 4 = 0, r % 11, NULL) AS net_promoter_score,
    NULL AS satisfaction_comment,
    if(r % 3 = 0 OR r % 4 = 0, closed_at, NULL) AS satisfaction_answered_at,
    arrayFilter(x -> cityHash64(x, n) % 4 = 0, ['vip', 'late', 'refund', 'new']) AS tag_ids,
    arrayMap(x -> toNullable(upper(x)), tag_ids) AS tag_names,
    length(tag_ids) AS tag_count,
    arraySort(arrayDistinct(arrayMap(i -> toInt64(1 + cityHash64(n, i) % 200), range(contacts)))) AS user_ids,
    length(user_ids) AS user_count,
    if(r % 10 = 0, map('EUR', toDecimal128(12.5, 4)), CAST(map(), 'Map(LowCardinality(String), Decimal(38, 4))')) AS revenue,
    r % 10 = 0 AS transaction_count,
    if(r % 2 = 0, 'DONE', NULL) AS close_reason,
    15 AS event_count,
    n * 15 + 1 AS first_sequence,
    n * 15 + 15 AS last_sequence,
    created_at AS _began_at,
    if(contacts = 0, NULL, fromUnixTimestamp64Milli(created + 10000, 'UTC')) AS _first_contact_at,
    if(contacts = 0, NULL, fromUnixTimestamp64Milli(created + 10000 + 600000 * (contacts - 1), 'UTC')) AS _last_contact_at,
    user_ids AS _operator_ids,
    if(contacts = 0, [], ['PROFESSIONAL']) AS _operator_kinds,
    if(contacts = 0, [], [concat('rule', toString(r % 20))]) AS _routing_rule_ids,
    if(contacts = 0, [], [concat('group', toString(r % 7))]) AS _routing_group_ids,
    if(r % 10 = 0, map('EUR', 1), CAST(map(), 'Map(LowCardinality(String), UInt32)')) AS _transaction_counts,
    arrayMap(i -> (i, 'PROFESSIONAL', concat('Operator ', toString(i)), concat('op', toString(i), '@example.com')), user_ids) AS _users,
    if(contacts = 0, [], [(fromUnixTimestamp64Milli(created, 'UTC'), concat('rule', toString(r % 20)), 'Rule', concat('group', toString(r % 7)), 'Group')]) AS _routing,
    arrayMap(i -> (
        concat('ev', toString(n), '-', toString(i)), fromUnixTimestamp64Milli(created + 10000 * i, 'UTC'), i * 3, 'parley.conversation.pushed.v1',
        NULL, NULL, NULL, NULL, 5, 'PROFESSIONAL', 'Operator 5', NULL, NULL, NULL, NULL, NULL, NULL, NULL), range(contacts + 1)) AS _marks,
    arrayConcat(arrayMap(i -> created_at + i, range(7)), if(n % 20 = 0, [], [assumeNotNull(closed_at)])) AS _unattended,
    last_sequence AS _version
FROM (
    SELECT
        number AS n, cityHash64(number) AS r, r % 4 AS contacts, lower(hex(MD5(toString(number)))) AS h,
        toInt64(1672531200000) + intDiv(toInt64(31536000000) * toInt64(number), {count:UInt64}) AS created,
        created + 60000 + r % 7200000 AS closed
    FROM numbers({from:UInt64}, {rows:UInt64}))
;
INSERT INTO $projection.contacts
SELECT
    project_id, conversation_id, concat(conversation_id, ':', toString(started)), i + 1, channel, fromUnixTimestamp64Milli(started, 'UTC'),
    fromUnixTimestamp64Milli(started + 300000, 'UTC'), 300000, if(i % 2 = 0, 'ANSWERED', 'UNANSWERED'), if(i + 1 = contact_count, 'CLOSED', 'TRANSFERRED'),
    0, if(i + 1 = contact_count, close_reason, NULL), if(i = 0, 10000, NULL), if(i % 2 = 0, started % 60000, NULL), 1, 1,
    user_ids[1 + i % length(user_ids)], 'PROFESSIONAL', 'Operator', 'op@example.com', _routing_rule_ids[1], 'Rule', _routing_group_ids[1], 'Group',
    closed_at IS NOT NULL, answered, answered_by_human, automation_level, customer_satisfaction, net_promoter_score, language, campaign_id, campaign_name,
    tag_ids, tag_names, contact_count, transfer_count, snooze_count, reopen_count, transaction_count,
    initiator, custom_data, NULL, last_sequence
FROM (
    SELECT *, arrayJoin(range(contact_count)) AS i, toUnixTimestamp64Milli(assumeNotNull(_first_contact_at)) + 600000 * i AS started
    FROM $projection.conversations
    WHERE contact_count > 0)
;
INSERT INTO $projection.messages (project_id, conversation_id, message_id, contact_id, sent_at, author_kind, author_id, automatic, _began_at, _position, _version)
SELECT project_id, conversation_id, concat('m', toString(i)), NULL, created_at + i, if(i % 2 = 0, 'VISITOR', 'PROFESSIONAL'), '5', 0, _began_at, i * 3 + 1, last_sequence
FROM (SELECT project_id, conversation_id, created_at, _began_at, last_sequence, arrayJoin(range(7)) AS i FROM $projection.conversations)
;
INSERT INTO $projection.transactions
SELECT project_id, conversation_id, 't', 'order', 12.5, 'EUR', created_at, 'ONSITE', NULL, _began_at, last_sequence
FROM $projection.conversations
WHERE transaction_count > 0
;
INSERT INTO $projection.visitors
SELECT project_id, conversation_id, assumeNotNull(visitor_id), 'ext', 'Ada', 'L', 'a@example.com', '+33', last_sequence
FROM $projection.conversations
