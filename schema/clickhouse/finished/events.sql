CREATE TABLE IF NOT EXISTS $projection.events
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation of the event',
    `event_id` String COMMENT 'CloudEvents id',
    `source` LowCardinality(String) COMMENT 'CloudEvents source',
    `type` LowCardinality(String) COMMENT 'CloudEvents type',
    `time` DateTime64(3, 'UTC') COMMENT 'When the event happened',
    `sequence` UInt64 COMMENT 'Sequence in the log',
    `received_at` DateTime64(3, 'UTC') COMMENT 'When the log accepted it',
    `original` String COMMENT 'The event exactly as the log stores it. Personal data' CODEC(ZSTD(1)),
    INDEX sequence_range sequence TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (project_id, conversation_id, sequence)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per accepted event: the archive from which conversations are folded again'
