CREATE TABLE IF NOT EXISTS $projection.contacts
(
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation of the contact',
    contact_id String COMMENT '<conversation id>:<push time in Unix ms>, with :2, :3 for further pushes of one millisecond',
    ordinal UInt32 COMMENT 'Number of the contact in its conversation, from 1',
    channel LowCardinality(String) COMMENT 'Medium of the conversation',
    started_at DateTime64(3, 'UTC') COMMENT 'Time of the push',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the snooze, transfer, close or next push; NULL while open',
    duration_ms Nullable(Int64) COMMENT 'ended_at - started_at in milliseconds; NULL while open',
    status LowCardinality(String) COMMENT 'ONGOING, ANSWERED or UNANSWERED',
    ending LowCardinality(Nullable(String)) COMMENT 'SNOOZED, TRANSFERRED, CLOSED or REPUSHED; NULL while open',
    ending_inferred Bool COMMENT 'The contact was ended by the next push',
    close_reason LowCardinality(Nullable(String)) COMMENT 'Reason of the close where ending is CLOSED',
    wait_time_ms Nullable(Int64) COMMENT 'started_at minus the latest routing since the previous contact, in milliseconds',
    first_response_time_ms Nullable(Int64) COMMENT 'First non-automatic operator-side message minus started_at, in milliseconds',
    visitor_message_count UInt32 COMMENT 'Messages by the visitor in the contact',
    operator_message_count UInt32 COMMENT 'Messages by the operator side in the contact, automatic ones included',
    operator_id Int64 COMMENT 'Operator pushed to',
    operator_kind LowCardinality(String) COMMENT 'PROFESSIONAL, EXPERT or BOT',
    operator_name Nullable(String) COMMENT 'Name of the operator, from the push',
    operator_email Nullable(String) COMMENT 'E-mail of the operator, from the push',
    routing_rule_id Nullable(String) COMMENT 'Rule of the latest routing before the push',
    routing_rule_name Nullable(String) COMMENT 'Name of that rule',
    routing_group_id Nullable(String) COMMENT 'Group of the latest routing before the push',
    routing_group_name Nullable(String) COMMENT 'Name of that group',
    _version UInt64 COMMENT 'last_sequence of the fold that wrote the row',
    INDEX conversation_id_filter conversation_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (project_id, started_at, conversation_id, contact_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per contact: one exchange between the visitor and one operator'
