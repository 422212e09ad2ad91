CREATE TABLE IF NOT EXISTS parley_meta.migrations
(
    name String COMMENT 'Database and file of the statement, or view and the projection it reads',
    checksum String COMMENT 'SHA-256 of the statement, in hexadecimal',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The statements that were applied'
