CREATE TABLE IF NOT EXISTS $projection.customer_profiles
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Subject of the profile events: a UUIDv5 of project and customer',
    `customer_id` String COMMENT 'Id of the customer',
    `external_id` Nullable(String) COMMENT 'Personal data',
    `first_name` Nullable(String) COMMENT 'Personal data',
    `last_name` Nullable(String) COMMENT 'Personal data',
    `email` Nullable(String) COMMENT 'Personal data',
    `phone` Nullable(String) COMMENT 'Personal data',
    `notes` Nullable(String) COMMENT 'Personal data',
    `type` LowCardinality(Nullable(String)) COMMENT 'CUSTOMER, GUEST or VISITOR, as set by an event',
    `ip_address` Nullable(String) COMMENT 'Personal data',
    `ip_location` Nullable(String) COMMENT 'Personal data',
    `custom_data` Map(String, String) COMMENT 'The brand\'s own data; numbers as written. Personal data',
    `cleared` Array(LowCardinality(String)) COMMENT 'Members last cleared by an event, by their names in events',
    `created_at` DateTime64(3, 'UTC') COMMENT 'Time of the first profile event',
    `updated_at` DateTime64(3, 'UTC') COMMENT 'Time of the last profile event',
    `first_sequence` UInt64 COMMENT 'Lowest log sequence folded in',
    `last_sequence` UInt64 COMMENT 'Highest log sequence folded in',
    `event_count` UInt32 COMMENT 'Distinct profile events folded in',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (project_id, customer_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'What profile events say about customers. Personal data'
