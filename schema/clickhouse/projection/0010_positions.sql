CREATE TABLE IF NOT EXISTS $projection.positions
(
    log LowCardinality(String) COMMENT 'events or rejected',
    sequence UInt64 COMMENT 'Everything up to here is in the tables',
    written_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the position was written'
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY log
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'How far the projection has come in each log'
