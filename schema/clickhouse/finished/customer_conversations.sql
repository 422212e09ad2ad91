CREATE TABLE IF NOT EXISTS $projection.customer_conversations
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation that the customer opened',
    `customer_id` String COMMENT 'Id of the visitor, from the opening',
    `created_at` DateTime64(3, 'UTC') COMMENT 'created_at of the conversation',
    `updated_at` DateTime64(3, 'UTC') COMMENT 'Time of the last event of the conversation',
    `last_chat_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the visitor last sent a message in it',
    `channel` LowCardinality(String) COMMENT 'channel of the conversation',
    `orders_count` UInt32 COMMENT 'Transactions of the conversation',
    `order_counts` Map(LowCardinality(String), UInt32) COMMENT 'Number of the transactions per currency',
    `total_spent` Map(LowCardinality(String), Decimal(38, 4)) COMMENT 'Sum of the transactions per currency',
    `external_id` Nullable(String) COMMENT 'From the opening. Personal data',
    `first_name` Nullable(String) COMMENT 'From the opening. Personal data',
    `last_name` Nullable(String) COMMENT 'From the opening. Personal data',
    `email` Nullable(String) COMMENT 'From the opening. Personal data',
    `phone` Nullable(String) COMMENT 'From the opening. Personal data',
    `ip_address` Nullable(String) COMMENT 'ipAddress of customData of the opening. Personal data',
    `ip_location` Nullable(String) COMMENT 'ipLocation of customData of the opening. Personal data',
    `first_sequence` UInt64 COMMENT 'Lowest log sequence of the conversation',
    `last_sequence` UInt64 COMMENT 'Highest log sequence of the conversation',
    `event_count` UInt32 COMMENT 'Events of the conversation',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    `_deleted` UInt8 COMMENT '1: the conversation has another visitor now',
    INDEX conversation_id_filter conversation_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (project_id, customer_id, conversation_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What each conversation adds to its customer. Personal data'
