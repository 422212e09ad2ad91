CREATE OR REPLACE VIEW parley.visitors ($columns)
DEFINER = parley_personal_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, visitor_id, external_id, first_name, last_name, email, phone
FROM $projection.visitors FINAL
COMMENT $comment
