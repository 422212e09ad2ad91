CREATE TABLE IF NOT EXISTS $projection.transactions_by_conversation
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation the transaction belongs to',
    `transaction_id` String COMMENT 'Id of the transaction; the external conversion id where none is given',
    `external_conversion_id` String COMMENT 'Id of the conversion in the shop',
    `amount` Decimal(18, 4) COMMENT 'Amount in currency; negative for a refund',
    `currency` LowCardinality(String) COMMENT 'ISO 4217 code',
    `received_at` DateTime64(3, 'UTC') COMMENT 'When the transaction was received',
    `source` LowCardinality(Nullable(String)) COMMENT 'ONSITE or OFFSITE',
    `attributed_to_id` Nullable(Int64) COMMENT 'Operator the transaction is attributed to',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (project_id, conversation_id, transaction_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per transaction of a conversation; the last one recorded wins'
