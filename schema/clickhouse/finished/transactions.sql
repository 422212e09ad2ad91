CREATE TABLE IF NOT EXISTS $projection.transactions
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
    `_began_at` DateTime64(3, 'UTC') COMMENT '_began_at of the conversation: never changes, and is the sort key',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX conversation_id_filter conversation_id TYPE bloom_filter(0.000001) GRANULARITY 1,
    INDEX received_at_range received_at TYPE minmax GRANULARITY 1,
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (toMonday(_began_at), project_id, _began_at, conversation_id, transaction_id)
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per transaction of a conversation; the last one recorded wins'
