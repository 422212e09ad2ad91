CREATE OR REPLACE VIEW parley.quarantine ($columns)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    log, sequence, received_at, reason, detail, source, event_id
FROM $projection.quarantine FINAL
COMMENT $comment
