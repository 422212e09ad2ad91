CREATE OR REPLACE VIEW parley.message_texts ($columns)
DEFINER = parley_personal_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, message_id, text
FROM $projection.message_texts FINAL
COMMENT $comment
