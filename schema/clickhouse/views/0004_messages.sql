CREATE OR REPLACE VIEW parley.messages ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, message_id, contact_id, sent_at, author_kind, author_id, automatic, read_at, deleted_at
FROM $projection.messages FINAL
COMMENT $comment
