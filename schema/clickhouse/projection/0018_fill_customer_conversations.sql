INSERT INTO $projection.customer_conversations
(
    project_id, conversation_id, customer_id, created_at, updated_at, last_chat_at, channel, orders_count, order_counts, total_spent,
    external_id, first_name, last_name, email, phone, ip_address, ip_location, first_sequence, last_sequence, event_count, _version, _deleted
)
SELECT
    conversations.project_id, conversations.conversation_id, visitors.visitor_id, conversations.created_at, archived.updated_at,
    chats.last_chat_at, conversations.channel, conversations.transaction_count, conversations._transaction_counts, conversations.revenue,
    visitors.external_id, visitors.first_name, visitors.last_name, visitors.email, visitors.phone,
    if(mapContains(conversations.custom_data, 'ipAddress'), conversations.custom_data['ipAddress'], NULL),
    if(mapContains(conversations.custom_data, 'ipLocation'), conversations.custom_data['ipLocation'], NULL),
    conversations.first_sequence, conversations.last_sequence, conversations.event_count, conversations._version, 0
FROM $projection.conversations AS conversations FINAL
INNER JOIN $projection.visitors AS visitors FINAL USING (project_id, conversation_id)
LEFT JOIN
(
    SELECT project_id, conversation_id, max(sent_at)::Nullable(DateTime64(3, 'UTC')) AS last_chat_at
    FROM $projection.messages FINAL WHERE author_kind = 'VISITOR' GROUP BY project_id, conversation_id
) AS chats USING (project_id, conversation_id)
LEFT JOIN
(
    SELECT project_id, conversation_id, max(time) AS updated_at
    FROM $projection.events FINAL GROUP BY project_id, conversation_id
) AS archived USING (project_id, conversation_id)
WHERE conversations.visitor_id = visitors.visitor_id AND visitors.visitor_id != ''
SETTINGS join_algorithm = 'grace_hash,full_sorting_merge', join_use_nulls = 0
