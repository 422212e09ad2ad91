CREATE OR REPLACE VIEW parley.events ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, event_id, source, type, time, sequence, received_at
FROM $projection.events_by_time FINAL
COMMENT 'Every accepted event once'
