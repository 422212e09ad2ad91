ALTER TABLE $projection.positions
    ADD COLUMN IF NOT EXISTS log_identity String DEFAULT '' COMMENT 'Identity of the log that sequence counts in; empty if unknown' AFTER sequence,
    ADD COLUMN IF NOT EXISTS checksum UInt32 DEFAULT 0 COMMENT 'CRC-32C of the entry at sequence; 0 if unknown' AFTER log_identity
