CREATE OR REPLACE VIEW parley.quarantine_original ($columns)
DEFINER = parley_personal_views SQL SECURITY DEFINER
AS SELECT
    log, sequence, original
FROM $projection.quarantine FINAL
COMMENT 'The original bytes of what was rejected. May hold personal data'
