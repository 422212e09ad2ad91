CREATE TABLE IF NOT EXISTS $projection.message_texts
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation of the message',
    `message_id` String COMMENT 'Id of the message in its conversation',
    `text` String COMMENT 'Text of the message, the last one given. Personal data' CODEC(ZSTD(1)),
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (project_id, conversation_id, message_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Texts of messages, empty unless text is stored. Personal data'
