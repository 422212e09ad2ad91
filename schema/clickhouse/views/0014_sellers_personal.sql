CREATE OR REPLACE VIEW parley.sellers_personal ($columns)
DEFINER = parley_personal_views SQL SECURITY DEFINER
AS SELECT
    project_id, seller_id, email_address, phone
FROM $projection.sellers FINAL
COMMENT $comment
