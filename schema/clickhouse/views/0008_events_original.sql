CREATE OR REPLACE VIEW parley.events_original ($columns)
DEFINER = parley_personal_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, event_id, source, sequence, original
FROM $projection.events FINAL
COMMENT 'The original bytes of every accepted event. Personal data'
