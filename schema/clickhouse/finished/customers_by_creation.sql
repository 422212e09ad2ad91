CREATE TABLE IF NOT EXISTS $projection.customers_by_creation
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `customer_id` String COMMENT 'Id of the customer: the visitor id',
    `type` LowCardinality(String) COMMENT 'CUSTOMER, GUEST or VISITOR: as set by a profile event; otherwise CUSTOMER with an external id or a transaction, GUEST with a name, e-mail or phone',
    `channels` Array(LowCardinality(String)) COMMENT 'Channels of the conversations, in order of first use',
    `conversation_count` UInt32 COMMENT 'Number of conversations the customer opened',
    `orders_count` UInt32 COMMENT 'Number of transactions of these conversations',
    `order_counts` Map(LowCardinality(String), UInt32) COMMENT 'Number of these transactions per currency',
    `total_spent` Map(LowCardinality(String), Decimal(38, 4)) COMMENT 'Sum of these transactions per currency',
    `created_at` DateTime64(3, 'UTC') COMMENT 'created_at of the first conversation; time of the first profile event if there is none',
    `updated_at` DateTime64(3, 'UTC') COMMENT 'Time of the last event of the profile or the conversations',
    `last_chat_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer last sent a message',
    `external_id` Nullable(String) COMMENT 'Personal data: from the profile, otherwise from the latest opening that has it',
    `first_name` Nullable(String) COMMENT 'Personal data, as external_id',
    `last_name` Nullable(String) COMMENT 'Personal data, as external_id',
    `email` Nullable(String) COMMENT 'Personal data, as external_id',
    `phone` Nullable(String) COMMENT 'Personal data, as external_id',
    `notes` Nullable(String) COMMENT 'Personal data, from the profile',
    `ip_address` Nullable(String) COMMENT 'Personal data, as external_id',
    `ip_location` Nullable(String) COMMENT 'Personal data, as external_id',
    `custom_data` Map(String, String) COMMENT 'Personal data, from the profile; numbers exactly as sent',
    `event_count` UInt32 COMMENT 'Number of distinct events of the profile and the conversations',
    `first_sequence` UInt64 COMMENT 'Lowest log sequence folded in',
    `last_sequence` UInt64 COMMENT 'Highest log sequence folded in',
    `_version` UInt64 COMMENT 'Position of the batch that wrote the row',
    `_deleted` UInt8 COMMENT '1: the row moved to another sort key, or the customer has no events left',
    INDEX customer_id_filter customer_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (created_at, project_id, customer_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, min_compress_block_size = 16384
COMMENT 'One row per customer: profile events merged with the visitors of openings, plus totals over the conversations'
