CREATE OR REPLACE VIEW parley.transactions ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, transaction_id, external_conversion_id, amount, currency, received_at,
    source, attributed_to_id
FROM $projection.transactions FINAL
COMMENT $comment
