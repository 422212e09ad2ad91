CREATE OR REPLACE VIEW parley.snoozes (
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation that was snoozed',
    conversation_created_at DateTime64(3, 'UTC') COMMENT 'created_at of the conversation; a condition on it reads less',
    event_id String COMMENT 'Event that snoozed it',
    snoozed_at DateTime64(3, 'UTC') COMMENT 'When it was snoozed',
    until Nullable(DateTime64(3, 'UTC')) COMMENT 'Planned end of the snooze; NULL if none was given',
    from_user_id Nullable(Int64) COMMENT 'Operator who snoozed it',
    from_user_kind LowCardinality(Nullable(String)) COMMENT 'Kind of that operator, if given',
    from_user_name Nullable(String) COMMENT 'Name of that operator, if given'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at AS conversation_created_at, snooze.event_id AS event_id, snooze.at AS snoozed_at,
    snooze.until AS until, snooze.from_id AS from_user_id, snooze.from_kind AS from_user_kind, snooze.from_name AS from_user_name
FROM (
SELECT
    project_id, conversation_id, created_at, _snoozes
FROM $projection.conversations FINAL
)
ARRAY JOIN _snoozes AS snooze
COMMENT 'One row per snooze event, also of those without an open contact, which change nothing'
