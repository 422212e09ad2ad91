INSERT INTO $projection.conversations_by_beginning
(
    project_id, conversation_id, created_at, closed_at, duration_ms, channel, language, initiator, visitor_id, campaign_id,
    campaign_name, custom_data, contact_count, snooze_count, transfer_count, reopen_count, anomaly_count, answered,
    answered_by_human, automation_level, abandoned, first_response_time_ms, resolution_time_ms, first_resolution_time_ms,
    handle_time_ms, human_handle_time_ms, snooze_time_ms, visitor_message_count, operator_message_count, customer_satisfaction,
    net_promoter_score, satisfaction_comment, tag_ids, tag_names, tag_count, user_ids, user_count, revenue, transaction_count,
    close_reason, event_count, first_sequence, last_sequence, _began_at, _first_contact_at, _last_contact_at, _operator_ids,
    _operator_kinds, _routing_rule_ids, _routing_group_ids, _transaction_counts, _users, _routing, _marks, _version
)
SELECT
    conversations.project_id, conversations.conversation_id, conversations.created_at, conversations.closed_at,
    conversations.duration_ms, conversations.channel, conversations.language, conversations.initiator, conversations.visitor_id,
    conversations.campaign_id, conversations.campaign_name, conversations.custom_data, conversations.contact_count,
    conversations.snooze_count, conversations.transfer_count, conversations.reopen_count, conversations.anomaly_count,
    conversations.answered, conversations.answered_by_human, conversations.automation_level, conversations.abandoned,
    conversations.first_response_time_ms, conversations.resolution_time_ms, conversations.first_resolution_time_ms,
    conversations.handle_time_ms, conversations.human_handle_time_ms, conversations.snooze_time_ms,
    conversations.visitor_message_count, conversations.operator_message_count, conversations.customer_satisfaction,
    conversations.net_promoter_score, conversations.satisfaction_comment, conversations.tag_ids, conversations.tag_names,
    conversations.tag_count, conversations.user_ids, conversations.user_count, conversations.revenue,
    conversations.transaction_count, conversations.close_reason, conversations.event_count, conversations.first_sequence,
    conversations.last_sequence, if(archived.lowest = 0, conversations.created_at, archived.began_at),
    conversations._first_contact_at, conversations._last_contact_at, conversations._operator_ids, conversations._operator_kinds,
    conversations._routing_rule_ids, conversations._routing_group_ids, conversations._transaction_counts, conversations._users,
    conversations._routing, conversations._marks, conversations._version
FROM $projection.conversations_by_closing AS conversations FINAL
LEFT JOIN
(
    SELECT project_id, conversation_id, min(sequence) AS lowest, argMin(time, sequence) AS began_at
    FROM $projection.events GROUP BY project_id, conversation_id
) AS archived USING (project_id, conversation_id)
SETTINGS join_algorithm = 'grace_hash', join_use_nulls = 0, optimize_aggregation_in_order = 1, max_threads = 2, max_block_size = 8192,
    max_insert_threads = 1, min_insert_block_size_rows = 65536, min_insert_block_size_bytes = 67108864
