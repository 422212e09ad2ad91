CREATE TABLE IF NOT EXISTS $projection.quarantine
(
    `log` LowCardinality(String) COMMENT 'Log that sequence belongs to: events, or rejected for events rejected on receipt',
    `sequence` UInt64 COMMENT 'Sequence in that log',
    `received_at` DateTime64(3, 'UTC') COMMENT 'When that log accepted it',
    `reason` LowCardinality(String) COMMENT 'Error code',
    `detail` String COMMENT 'Field and rule; never the value',
    `source` Nullable(String) COMMENT 'CloudEvents source, if readable',
    `event_id` Nullable(String) COMMENT 'CloudEvents id, if readable',
    `original` String COMMENT 'The original bytes. May contain personal data' CODEC(ZSTD(1)),
    `_version` UInt64 COMMENT 'Higher wins',
    `_deleted` UInt8 COMMENT '1: replayed or purged',
    INDEX received_at_range received_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (log, sequence)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Rejected events, with the reason'
