CREATE TABLE IF NOT EXISTS $projection.messages
(
    `project_id` UInt32 COMMENT 'Site or brand',
    `conversation_id` String COMMENT 'Conversation of the message',
    `message_id` String COMMENT 'Id of the message within its conversation',
    `contact_id` Nullable(String) COMMENT 'Contact that was open; NULL if none was',
    `sent_at` DateTime64(3, 'UTC') COMMENT 'When the message was sent',
    `author_kind` LowCardinality(String) COMMENT 'VISITOR, PROFESSIONAL, EXPERT or BOT',
    `author_id` Nullable(String) COMMENT 'Id of the author: the visitor id, or the operator id in digits',
    `automatic` Bool COMMENT 'Whether the system sent it on behalf of the author',
    `read_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the other side first read it; NULL while unread',
    `deleted_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was deleted; a deleted message still counts as sent',
    `_began_at` DateTime64(3, 'UTC') COMMENT '_began_at of the conversation: never changes, and is the sort key',
    `_position` UInt32 COMMENT 'Place in the thread, counted together with the system attachments of the conversation',
    `_version` UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX conversation_id_filter conversation_id TYPE bloom_filter(0.000001) GRANULARITY 1,
    INDEX message_id_filter message_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX sent_at_range sent_at TYPE minmax GRANULARITY 1,
    INDEX version_range _version TYPE minmax GRANULARITY 1,
    INDEX read_at_values read_at TYPE set(0) GRANULARITY 1,
    INDEX deleted_at_values deleted_at TYPE set(0) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (toMonday(_began_at), project_id, _began_at, conversation_id, message_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per message; texts are in message_texts'
