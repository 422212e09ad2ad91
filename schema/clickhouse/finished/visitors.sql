CREATE TABLE IF NOT EXISTS $projection.visitors
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation in which the visitor gave this',
    `visitor_id` String COMMENT 'Id of the visitor',
    `external_id` Nullable(String) COMMENT 'Id of the visitor in the brand\'s own system. Personal data',
    `first_name` Nullable(String) COMMENT 'Personal data',
    `last_name` Nullable(String) COMMENT 'Personal data',
    `email` Nullable(String) COMMENT 'Personal data',
    `phone` Nullable(String) COMMENT 'Personal data',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX visitor_id_filter visitor_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (project_id, conversation_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The visitor of each conversation. Personal data'
