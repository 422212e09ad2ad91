CREATE OR REPLACE VIEW parley.operators (
    project_id UInt32 COMMENT 'Site or brand',
    operator_id Int64 COMMENT 'Id of the operator',
    operator_kind LowCardinality(String) COMMENT 'PROFESSIONAL, EXPERT or BOT, from the latest push; from the latest conversation without one',
    operator_name Nullable(String) COMMENT 'Latest name that a push gave; NULL without one',
    operator_email Nullable(String) COMMENT 'Latest e-mail that a push gave; NULL without one',
    contact_count UInt64 COMMENT 'Contacts of the operator',
    first_contact_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Start of the first contact; NULL without contacts',
    last_contact_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Start of the latest contact; NULL without contacts'
)
DEFINER = parley_views SQL SECURITY DEFINER
AS SELECT
    project_id, operator_id, argMax(operator_kind, place) AS operator_kind, argMax(operator_name, place) AS operator_name,
    argMax(operator_email, place) AS operator_email, countIf(place.1) AS contact_count,
    minOrNullIf(place.2, place.1) AS first_contact_at, maxOrNullIf(place.2, place.1) AS last_contact_at
FROM (
SELECT project_id, operator_id, operator_kind, operator_name, operator_email, (true, started_at, conversation_id, ordinal) AS place FROM (
SELECT
    project_id, conversation_id, operator_id, operator_kind, operator_name, operator_email, started_at, ordinal
FROM $projection.contacts FINAL
)
UNION ALL
SELECT project_id, operator.id, operator.kind, NULL, NULL, (false, created_at, conversation_id, toUInt32(0)) FROM (
SELECT
    project_id, conversation_id, created_at, _operators
FROM $projection.conversations FINAL
) ARRAY JOIN _operators AS operator
)
GROUP BY project_id, operator_id
COMMENT 'One row per project and operator: who was pushed to or wrote, with the latest name'
