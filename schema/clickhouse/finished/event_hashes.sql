CREATE TABLE IF NOT EXISTS $projection.event_hashes
(
    `key` UInt64 COMMENT 'First half of the hash: 128 bits of SHA-256 of project, source and id of the event',
    `check` UInt64 COMMENT 'Second half of the hash',
    `sequence` UInt64 COMMENT 'Log sequence of the event that counts'
)
ENGINE = ReplacingMergeTree
ORDER BY (key, check, sequence)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Hashes of the accepted events: recognises a duplicate however late it comes, in whichever conversation'
