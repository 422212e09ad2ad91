CREATE TABLE IF NOT EXISTS $projection.positions
(
    `log` LowCardinality(String) COMMENT 'events or rejected',
    `sequence` UInt64 COMMENT 'Everything up to here is in the tables',
    `log_identity` String DEFAULT '' COMMENT 'Identity of the log that sequence counts in; empty if unknown',
    `checksum` UInt32 DEFAULT 0 COMMENT 'CRC-32C of the entry at sequence; 0 if unknown',
    `written_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the position was written'
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY log
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 8192
COMMENT 'How far the projection has come in each log'
