CREATE OR REPLACE VIEW parley.quarantine_original ($columns)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    log, sequence, original
FROM $projection.quarantine FINAL
COMMENT 'The original bytes of what was rejected. May hold personal data'
