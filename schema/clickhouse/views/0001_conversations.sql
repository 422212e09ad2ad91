CREATE OR REPLACE VIEW parley.conversations ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at, closed_at, duration_ms,
    channel, language, initiator, visitor_id, campaign_id, campaign_name, custom_data,
    contact_count, snooze_count, transfer_count, reopen_count, anomaly_count,
    answered, answered_by_human, automation_level, abandoned,
    first_response_time_ms, resolution_time_ms, first_resolution_time_ms,
    handle_time_ms, human_handle_time_ms, snooze_time_ms,
    visitor_message_count, operator_message_count,
    customer_satisfaction, net_promoter_score, satisfaction_comment,
    tag_ids, tag_names, tag_count, user_ids, user_count, revenue, transaction_count, close_reason,
    event_count, first_sequence, last_sequence
FROM $projection.conversations FINAL
COMMENT $comment
