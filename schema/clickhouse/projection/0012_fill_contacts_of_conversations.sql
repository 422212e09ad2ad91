INSERT INTO $projection.contacts
(
    project_id, conversation_id, contact_id, ordinal, channel, started_at, ended_at, duration_ms, status, ending, ending_inferred,
    close_reason, wait_time_ms, first_response_time_ms, visitor_message_count, operator_message_count, operator_id, operator_kind,
    operator_name, operator_email, routing_rule_id, routing_rule_name, routing_group_id, routing_group_name,
    _closed, _answered, _answered_by_human, _automation_level, _customer_satisfaction, _net_promoter_score, _language,
    _campaign_id, _campaign_name, _tag_ids, _tag_names, _contact_count, _transfer_count, _snooze_count, _reopen_count,
    _transaction_count, _version
)
SELECT
    contacts.project_id, contacts.conversation_id, contacts.contact_id, contacts.ordinal, contacts.channel, contacts.started_at,
    contacts.ended_at, contacts.duration_ms, contacts.status, contacts.ending, contacts.ending_inferred, contacts.close_reason,
    contacts.wait_time_ms, contacts.first_response_time_ms, contacts.visitor_message_count, contacts.operator_message_count,
    contacts.operator_id, contacts.operator_kind, contacts.operator_name, contacts.operator_email, contacts.routing_rule_id,
    contacts.routing_rule_name, contacts.routing_group_id, contacts.routing_group_name,
    conversations.closed_at IS NOT NULL, conversations.answered, conversations.answered_by_human, conversations.automation_level,
    conversations.customer_satisfaction, conversations.net_promoter_score, conversations.language, conversations.campaign_id,
    conversations.campaign_name, conversations.tag_ids, conversations.tag_names, conversations.contact_count,
    conversations.transfer_count, conversations.snooze_count, conversations.reopen_count, conversations.transaction_count,
    contacts._version
FROM $projection.contacts AS contacts FINAL
INNER JOIN $projection.conversations AS conversations FINAL USING (project_id, conversation_id)
