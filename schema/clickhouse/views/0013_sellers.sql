CREATE OR REPLACE VIEW parley.sellers ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, seller_id, business_name, legal_business_name, online,
    created_at, updated_at, last_message_at, event_count, first_sequence, last_sequence
FROM $projection.sellers FINAL
COMMENT $comment
