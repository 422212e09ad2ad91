CREATE OR REPLACE VIEW parley.conversation_users (
    project_id UInt32 COMMENT 'Site or brand',
    conversation_id String COMMENT 'Conversation in which the operator took part',
    conversation_created_at DateTime64(3, 'UTC') COMMENT 'created_at of the conversation; a condition on it reads less',
    user_id Int64 COMMENT 'Operator pushed to, or author on the operator side',
    user_kind LowCardinality(String) COMMENT 'PROFESSIONAL, EXPERT or BOT',
    user_name Nullable(String) COMMENT 'Latest name of the operator in the conversation'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, conversation_id, created_at AS conversation_created_at, operator.id AS user_id, operator.kind AS user_kind, operator.name AS user_name
FROM (
SELECT
    project_id, conversation_id, created_at, _operators
FROM $projection.conversations FINAL
)
ARRAY JOIN _operators AS operator
COMMENT 'One row per conversation and operator who took part, at most 1,000 operators a conversation'
