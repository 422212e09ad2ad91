CREATE OR REPLACE VIEW parley.customers ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, customer_id, type, channels, conversation_count, orders_count, total_spent,
    created_at, updated_at, last_chat_at, event_count, first_sequence, last_sequence
FROM $projection.customers FINAL
COMMENT $comment
