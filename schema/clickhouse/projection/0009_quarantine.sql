CREATE TABLE IF NOT EXISTS $projection.quarantine
(
    log LowCardinality(String) COMMENT 'Log that sequence counts in: events, or rejected for what was refused at the edge',
    sequence UInt64 COMMENT 'Number in that log',
    received_at DateTime64(3, 'UTC') COMMENT 'When that log took it',
    reason LowCardinality(String) COMMENT 'Error code',
    detail String COMMENT 'Field and rule; never the value',
    source Nullable(String) COMMENT 'CloudEvents source, where it could be read',
    event_id Nullable(String) COMMENT 'CloudEvents id, where it could be read',
    original String COMMENT 'The bytes as they came. May hold personal data' CODEC(ZSTD(1)),
    _version UInt64 COMMENT 'Higher wins',
    _deleted UInt8 COMMENT '1: replayed or purged'
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (log, sequence)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What was rejected, with the reason'
