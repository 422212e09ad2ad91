CREATE OR REPLACE VIEW parley.quarantine ($columns)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    log, sequence, received_at, reason, detail, source, event_id
FROM $projection.quarantine FINAL
COMMENT $comment
