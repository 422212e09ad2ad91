CREATE OR REPLACE VIEW parley.contacts ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, contact_id, ordinal, channel, started_at, ended_at, duration_ms,
    status, ending, ending_inferred, close_reason, wait_time_ms, first_response_time_ms,
    visitor_message_count, operator_message_count,
    operator_id, operator_kind, operator_name, operator_email,
    routing_rule_id, routing_rule_name, routing_group_id, routing_group_name
FROM $projection.contacts FINAL
COMMENT $comment
