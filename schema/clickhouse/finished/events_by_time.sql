CREATE TABLE IF NOT EXISTS $projection.events_by_time
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation of the event' CODEC(ZSTD(1)),
    `event_id` String COMMENT 'CloudEvents id' CODEC(ZSTD(1)),
    `source` LowCardinality(String) COMMENT 'CloudEvents source',
    `type` LowCardinality(String) COMMENT 'CloudEvents type',
    `time` DateTime64(3, 'UTC') COMMENT 'When the event happened',
    `sequence` UInt64 COMMENT 'Sequence in the log',
    `received_at` DateTime64(3, 'UTC') COMMENT 'When the log accepted it',
    INDEX conversation_id_filter conversation_id TYPE bloom_filter(0.000001) GRANULARITY 1,
    INDEX received_at_range received_at TYPE minmax GRANULARITY 1,
    INDEX time_range time TYPE minmax GRANULARITY 1,
    INDEX sequence_range sequence TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (toMonday(time), project_id, time, sequence)
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per accepted event, as in events, without its original: what is read by the time of events'
