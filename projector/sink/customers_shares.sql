SELECT
    project_id, customer_id, toUInt32(count()), toUInt32(sum(orders_count)), sumMap(order_counts), sumMap(total_spent),
    minMap(if(channel = 'UNKNOWN', map(), map(toString(channel), created_at))::Map(String, DateTime64(3, 'UTC'))),
    min(created_at), max(updated_at), max(last_chat_at),
    argMax(external_id, (created_at, conversation_id)), argMax(first_name, (created_at, conversation_id)),
    argMax(last_name, (created_at, conversation_id)), argMax(email, (created_at, conversation_id)),
    argMax(phone, (created_at, conversation_id)), argMax(ip_address, (created_at, conversation_id)),
    argMax(ip_location, (created_at, conversation_id)),
    toUInt32(sum(event_count)), min(first_sequence), max(last_sequence)
FROM $projection.customer_conversations FINAL
WHERE (project_id, customer_id) IN wanted
GROUP BY project_id, customer_id
