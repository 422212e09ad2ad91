CREATE TABLE IF NOT EXISTS $projection.sellers
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Subject of the profile events, and the chat with the seller: a UUIDv5 of project and seller',
    `seller_id` String COMMENT 'Id of the seller',
    `business_name` Nullable(String) COMMENT 'Trading name',
    `legal_business_name` Nullable(String) COMMENT 'Registered name',
    `email_address` Nullable(String) COMMENT 'Personal data',
    `phone` Nullable(String) COMMENT 'Personal data',
    `online` Nullable(Bool) COMMENT 'Whether the seller is active, as set by an event',
    `created_at` DateTime64(3, 'UTC') COMMENT 'Time of the first profile event',
    `updated_at` DateTime64(3, 'UTC') COMMENT 'Time of the last profile event',
    `last_message_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the last message of the chat',
    `event_count` UInt32 COMMENT 'Distinct profile events folded in',
    `first_sequence` UInt64 COMMENT 'Lowest log sequence folded in',
    `last_sequence` UInt64 COMMENT 'Highest log sequence folded in',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (project_id, seller_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per seller: its profile, and the time of the last message of its chat'
